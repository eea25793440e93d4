"""Raw data of a source: inputs of one kind, labels as the source gives them, and a name for every sample.

Nothing is cleaned yet: files may be broken, labels missing, samples copied between splits.
Shape legend: N samples, C channels, H height, W width, F features.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from PIL import Image
from torch import Tensor

from naiad.errors import DataError
from naiad.trainer.data.column_types import ColumnType
from naiad.trainer.data.findings import Findings
from naiad.trainer.data.layout import InputLayout

SPLITS = ("train", "validation", "test")


class InputKind(StrEnum):
    """Type of the inputs. It decides how they are cleaned and encoded."""

    IMAGES = "images"  # a uint8 tensor (N, C, H, W)
    PIL_IMAGES = "PIL images"  # PILImages: opened one by one, of any size and mode
    ARRAYS = "arrays"  # a float32 tensor (N, F), (N, C, H, W) or, for sequences, (N, …)
    TOKENS = "token ids"  # an int64 tensor (N, T)
    DATASET_ITEMS = "dataset items"  # Samples: a Dataset's tensors, read one by one, as they are random or too many
    TABLE = "table"  # a pyarrow table; the label is one of its columns


class PILImages(Protocol):
    """Images that are opened one by one."""

    @property
    def is_thread_safe(self) -> bool:
        """Whether several threads may open images at once."""

    @property
    def is_deterministic(self) -> bool:
        """False where opening an image twice may give two images, as a random transform does."""

    def __len__(self) -> int: ...

    def open(self, index: int) -> Image.Image:
        """Raises what Pillow raises for an image that cannot be read."""

    def select(self, indices: npt.NDArray[np.int64]) -> "PILImages":
        """Returns the images at ``indices`` in their order."""


@dataclass(frozen=True)
class ImageFiles:
    """Image files on disk."""

    paths: Sequence[Path]
    is_thread_safe: bool = field(default=True, init=False)
    is_deterministic: bool = field(default=True, init=False)

    def __len__(self) -> int:
        return len(self.paths)

    def open(self, index: int) -> Image.Image:
        return Image.open(self.paths[index])

    def select(self, indices: npt.NDArray[np.int64]) -> "ImageFiles":
        return replace(self, paths=[self.paths[index] for index in indices])


@dataclass(frozen=True)
class RawSplit:
    """One split as the source gives it."""

    inputs: Any
    """N samples, of the type that the ``InputKind`` says."""
    targets: npt.NDArray[Any] | None
    """(N,) labels; None where there are none, and for a table, which has them as a column."""
    names: Sequence[str]
    """Origin of each sample: a path, ``row 12``, ``index 12``."""
    given_shape: tuple[int, ...] | None = None
    """Shape of a sample before it was laid out; None where the inputs are no arrays."""
    column_names: tuple[str, ...] = ()
    """Names of an array's columns, where it comes from a frame."""
    folder: Path = Path()
    """Folder from which paths in a table's cells are meant."""
    weights: npt.NDArray[np.float64] | None = None
    """(N,) weights in the loss and the metrics; None where all samples count alike."""
    one_hot_columns: int | None = None
    """Number of columns of one-hot labels without names, which ``targets`` count from 0; None for other labels."""

    def __len__(self) -> int:
        return self.inputs.num_rows if isinstance(self.inputs, pa.Table) else len(self.inputs)

    def select(self, indices: npt.NDArray[np.int64]) -> "RawSplit":
        targets = None if self.targets is None else self.targets[indices]
        names = [self.names[index] for index in indices]
        weights = None if self.weights is None else self.weights[indices]
        inputs = select_inputs(self.inputs, indices)
        return replace(self, inputs=inputs, targets=targets, names=names, weights=weights)


@dataclass(frozen=True)
class RawData:
    """Splits of one data set. There is always ``train``: data without splits is all ``train``."""

    name: str
    kind: InputKind
    splits: Mapping[str, RawSplit]
    classes: tuple[str, ...] = ()
    """Names of the integer labels 0, 1, …, where the source knows them."""
    target_name: str = "label"
    label: str | None = None
    """Label column of a table; None where it has none."""
    labels_required: bool = False
    """Whether a missing label is an error (arrays) rather than a gap in the data (files, tables)."""
    findings: Findings = field(default_factory=Findings)
    layout: InputLayout = field(default_factory=InputLayout)
    """Layout of the inputs, where they are arrays."""
    types: Mapping[str, ColumnType] = field(default_factory=dict)
    """Types of a table's columns that the user gives."""

    def get_split(self, name: str) -> RawSplit:
        """Returns the split of that name; data without splits is returned whole. Raises DataError."""
        if name in self.splits:
            return self.splits[name]
        if len(self.splits) == 1:
            return next(iter(self.splits.values()))
        raise DataError(f"{self.name} has no {name} split, only {', '.join(self.splits)}")


def check_label(raw: RawData, label: str | int | None) -> None:
    """Raises DataError for the name of a label in data whose labels have no names, so that it would not be used."""
    if label is None or raw.kind is InputKind.TABLE or raw.target_name == str(label):
        return
    raise DataError(
        f"label is {label!r}, but the labels of {raw.name} are not chosen by a name: it holds {raw.kind}",
        hint="leave label out; it names a column of a table, or a part of items that are mappings",
    )


def select_inputs(inputs: Any, indices: npt.NDArray[np.int64]) -> Any:
    """Returns the samples at ``indices``, of the same type as ``inputs``."""
    if isinstance(inputs, Tensor):
        return inputs.index_select(0, torch.from_numpy(indices))
    if isinstance(inputs, pa.Table):
        return inputs.take(pa.array(indices))
    return inputs.select(indices)
