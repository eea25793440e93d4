"""IDX files, the format of the MNIST family, plain or gzipped."""

import gzip
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from naiad.errors import DataError
from naiad.trainer.data.sources.arrays import canonical, kind_of, numbered
from naiad.trainer.data.sources.raw_data import RawData, RawSplit

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_NAME = re.compile(
    r"(?P<set>.*?)-?(?P<split>train|t10k|test|val|validation)[-.](?P<part>images|labels)[-.]idx\d[-.]ubyte(?:\.gz)?"
)
_SPLITS = {"train": "train", "t10k": "test", "test": "test", "val": "validation", "validation": "validation"}


def read_idx(path: Path) -> npt.NDArray[Any]:
    """The array in an IDX file, its dtype in native byte order, writeable. Raises DataError."""
    content = _bytes(path)
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _TYPES:
        raise DataError(f"{path} is no IDX file: it starts with {content[:4].hex(' ') or 'nothing'}")
    dtype, dimensions = np.dtype(_TYPES[content[2]]), content[3]
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise DataError(f"{path} is truncated: its header is {len(content)} bytes instead of {start}")
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", dimensions, 4))
    expected = start + dtype.itemsize * int(np.prod(shape, dtype=object))
    if len(content) != expected:
        trouble = "truncated" if len(content) < expected else "too long"
        raise DataError(f"{path} is {trouble}: {len(content):,} bytes instead of {expected:,} for shape {shape}")
    return np.frombuffer(content, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="), copy=True)


def is_idx(path: Path) -> bool:
    """Whether ``path`` is an IDX file by its name, or a folder that holds such files (torchvision's ``raw`` too)."""
    return bool(_NAME.fullmatch(path.name)) if path.is_file() else bool(_found(path))


def open_idx(path: Path, *, classes: tuple[str, ...] = ()) -> RawData:
    """A folder of image and label files by split, or one file of images. Raises DataError."""
    if path.is_file():
        return _one_file(path, classes)
    found = _found(path)
    splits = {}
    for split in ("train", "validation", "test"):
        images = found.get((split, "images"))
        if images is not None:
            splits[split] = _split(images, found.get((split, "labels")))
    if "train" not in splits:
        raise DataError(f"{path} has no training images", hint="a file such as train-images-idx3-ubyte.gz is needed")
    kind = kind_of(splits["train"].inputs)
    return RawData(path.name, kind, splits, classes=classes, labels_must_be_whole=True)


def _one_file(path: Path, classes: tuple[str, ...]) -> RawData:
    match = _NAME.fullmatch(path.name)
    labels = None
    if match and match["part"] == "images":
        labels = _found(path.parent).get((_SPLITS[match["split"]], "labels"))
    split = _split(path, labels)
    return RawData(path.name, kind_of(split.inputs), {"train": split}, classes=classes, labels_must_be_whole=True)


def _split(images: Path, labels: Path | None) -> RawSplit:
    values = canonical(read_idx(images))
    if labels is None:
        return RawSplit(values, None, numbered("index", len(values)))
    targets = read_idx(labels)
    if targets.shape != (len(values),):
        raise DataError(
            f"{images.name} has {len(values):,} images and {labels.name} has labels of shape {targets.shape}"
        )
    return RawSplit(values, targets, numbered("index", len(values)))


def _found(folder: Path) -> dict[tuple[str, str], Path]:
    """Files by (split, part), the plain one before the gzipped; of the first set where there are several."""
    for place in (folder, folder / "raw", *sorted(folder.glob("*/raw"))):
        sets: dict[str, dict[tuple[str, str], Path]] = {}
        for path in sorted(place.iterdir()) if place.is_dir() else ():
            if match := _NAME.fullmatch(path.name):
                key = (_SPLITS[match["split"]], match["part"])
                sets.setdefault(match["set"], {}).setdefault(key, path)
        if sets:
            return sets[min(sets)]
    return {}


def _bytes(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is a damaged gzip file: {error}", hint="fetch it again") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
