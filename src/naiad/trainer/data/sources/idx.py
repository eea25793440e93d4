"""Reads IDX files, the format of the MNIST family, plain or gzipped."""

import gzip
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from naiad.errors import DataError
from naiad.trainer.data.sources.arrays import numbered_names, tensor_kind, to_sample_tensor
from naiad.trainer.data.sources.raw_data import RawData, RawSplit

_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_FILE_NAME = re.compile(
    r"(?P<set>.*?)-?(?P<split>train|t10k|test|val|validation)[-.](?P<part>images|labels)[-.]idx\d[-.]ubyte(?:\.gz)?"
)
_SPLIT_NAMES = {"train": "train", "t10k": "test", "test": "test", "val": "validation", "validation": "validation"}


def read_idx(path: Path) -> npt.NDArray[Any]:
    """Returns a writeable array in native byte order. Raises DataError."""
    content = _read_bytes(path)
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _DTYPES:
        raise DataError(f"{path} is no IDX file: it starts with {content[:4].hex(' ') or 'nothing'}")
    dtype, dimensions = np.dtype(_DTYPES[content[2]]), content[3]
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise DataError(f"{path} is truncated: its header is {len(content)} bytes instead of {start}")
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", dimensions, 4))
    expected = start + dtype.itemsize * int(np.prod(shape, dtype=object))
    if len(content) != expected:
        problem = "truncated" if len(content) < expected else "too long"
        raise DataError(f"{path} is {problem}: {len(content):,} bytes instead of {expected:,} for shape {shape}")
    return np.frombuffer(content, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="), copy=True)


def is_idx(path: Path) -> bool:
    """Whether ``path`` is named as an IDX file, or is a folder that holds such files, directly or in torchvision's ``raw``."""
    return bool(_FILE_NAME.fullmatch(path.name)) if path.is_file() else bool(_find_files(path))


def open_idx(path: Path, *, classes: tuple[str, ...] = ()) -> RawData:
    """Opens a folder of image and label files by split, or one file of images. Raises DataError."""
    if path.is_file():
        return _open_file(path, classes)
    files = _find_files(path)
    splits = {}
    for split in ("train", "validation", "test"):
        images = files.get((split, "images"))
        if images is not None:
            splits[split] = _read_split(images, files.get((split, "labels")))
    if "train" not in splits:
        raise DataError(f"{path} has no training images", hint="add a file such as train-images-idx3-ubyte.gz")
    kind = tensor_kind(splits["train"].inputs)
    return RawData(path.name, kind, splits, classes=classes, labels_required=True)


def _open_file(path: Path, classes: tuple[str, ...]) -> RawData:
    match = _FILE_NAME.fullmatch(path.name)
    labels = None
    if match and match["part"] == "images":
        labels = _find_files(path.parent).get((_SPLIT_NAMES[match["split"]], "labels"))
    split = _read_split(path, labels)
    return RawData(path.name, tensor_kind(split.inputs), {"train": split}, classes=classes, labels_required=True)


def _read_split(images: Path, labels: Path | None) -> RawSplit:
    values = to_sample_tensor(read_idx(images))
    if labels is None:
        return RawSplit(values, None, numbered_names("index", len(values)))
    targets = read_idx(labels)
    if targets.shape != (len(values),):
        raise DataError(
            f"{images.name} has {len(values):,} images and {labels.name} has labels of shape {targets.shape}"
        )
    return RawSplit(values, targets, numbered_names("index", len(values)))


def _find_files(folder: Path) -> dict[tuple[str, str], Path]:
    """Returns the files of one data set by (split, ``images`` or ``labels``).

    A plain file is preferred to a gzipped one, and the data set whose name comes first to the others.
    """
    for parent in (folder, folder / "raw", *sorted(folder.glob("*/raw"))):
        sets: dict[str, dict[tuple[str, str], Path]] = {}
        for path in sorted(parent.iterdir()) if parent.is_dir() else ():
            if match := _FILE_NAME.fullmatch(path.name):
                key = (_SPLIT_NAMES[match["split"]], match["part"])
                sets.setdefault(match["set"], {}).setdefault(key, path)
        if sets:
            return sets[min(sets)]
    return {}


def _read_bytes(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is a damaged gzip file: {error}", hint="download it again") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
