"""Pairs (images, labels) whose images are paths of files, or PIL images that no single array holds.

Shape legend: N images.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from naiad.errors import DataError
from naiad.trainer.data.findings import Findings
from naiad.trainer.data.sources.containers import ItemList
from naiad.trainer.data.sources.image_files import image_suffixes
from naiad.trainer.data.sources.label_matrix import read_labels
from naiad.trainer.data.sources.raw_data import ImageFiles, InputKind, RawData, RawSplit

_ARRAY_MODES = ("L", "RGB", "RGBA")


def is_path_pair(data: Any) -> bool:
    """Whether the data are (paths of image files, labels)."""
    inputs = _inputs_of(data)
    if inputs is None or not all(isinstance(item, str | Path) for item in inputs):
        return False
    suffixes = image_suffixes()
    return all(isinstance(item, Path) or Path(item).suffix.lower() in suffixes for item in inputs)


def is_image_pair(data: Any) -> bool:
    """Whether the data are (PIL images, labels), with images of several sizes, or of modes that an array does not say."""
    inputs = _inputs_of(data)
    if inputs is None or not all(isinstance(item, Image.Image) for item in inputs):
        return False
    kinds = {(image.mode, image.size) for image in inputs}
    return len(kinds) > 1 or next(iter(kinds))[0] not in _ARRAY_MODES


def open_path_pair(data: tuple[Any, Any]) -> RawData:
    """Opens (N paths, N labels). Raises DataError."""
    paths = [Path(path) for path in data[0]]
    labels, findings = read_labels(data[1])
    _check_counts(len(paths), len(labels))
    split = RawSplit(ImageFiles(paths), labels, [str(path) for path in paths])
    return RawData("images", InputKind.PIL_IMAGES, {"train": split}, target_name="y", findings=findings)


def pair_items(data: tuple[Any, Any]) -> tuple[ItemList, Findings]:
    """Returns (N PIL images, N labels) as a Dataset of pairs, and what its labels were taken for. Raises DataError."""
    labels, findings = read_labels(data[1])
    _check_counts(len(data[0]), len(labels))
    return ItemList(list(zip(data[0], labels.tolist(), strict=True)), source=data), findings


def _inputs_of(data: Any) -> Sequence[Any] | None:
    """Returns X of (X, y), where it is a list of one axis; None for all else."""
    if not isinstance(data, tuple) or len(data) != 2 or data[1] is None:
        return None
    inputs = data[0]
    if isinstance(inputs, np.ndarray) and inputs.ndim == 1 and inputs.dtype.kind in "UO":
        inputs = inputs.tolist()
    return inputs if isinstance(inputs, list | tuple) and inputs else None


def _check_counts(images: int, labels: int) -> None:
    if images != labels:
        raise DataError(f"X has {images:,} images and y has {labels:,} labels", hint="give one label an image")
