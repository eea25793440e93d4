"""Reads IDX files, the format of the MNIST family, plain or gzipped."""

import gzip
import math
import os
import re
import zlib
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import numpy.typing as npt

from naiad.errors import DataError
from naiad.trainer.data.sources.arrays import numbered_names, tensor_kind, to_sample_tensor
from naiad.trainer.data.sources.raw_data import RawData, RawSplit
from naiad.trainer.machine.device import free_memory_bytes

_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_GZIP_MAGIC = b"\x1f\x8b"
_MAX_GZIP_RATIO = 1_032
"""Largest ratio of unpacked bytes to packed ones that deflate reaches."""
_MAX_DIMENSIONS = 16
_BLOCK_BYTES = 2**20
_FILE_NAME = re.compile(
    r"(?P<set>.*?)-?(?P<split>train|t10k|test|val|validation)[-.](?P<part>images|labels)[-.]idx\d[-.]ubyte(?:\.gz)?"
)
_SPLIT_NAMES = {"train": "train", "t10k": "test", "test": "test", "val": "validation", "validation": "validation"}


def read_idx(path: Path) -> npt.NDArray[Any]:
    """Returns a writeable array in native byte order. Raises DataError.

    Of a file, unpacked or not, it reads no more than its header says, and one byte to see that it ends there.
    """
    try:
        with path.open("rb") as file:
            packed_bytes = os.fstat(file.fileno()).st_size
            is_packed = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
            file.seek(0)
            if not is_packed:
                return _read_array(file, path, most_bytes=packed_bytes)
            with gzip.GzipFile(fileobj=file, mode="rb") as content:
                return _read_array(cast(IO[bytes], content), path, most_bytes=packed_bytes * _MAX_GZIP_RATIO)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is a damaged gzip file: {error}", hint="download it again") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error


def _read_array(file: IO[bytes], path: Path, *, most_bytes: int) -> npt.NDArray[Any]:
    """most_bytes: more the file cannot hold, whatever its header says."""
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _DTYPES or magic[3] > _MAX_DIMENSIONS:
        raise DataError(f"{path} is no IDX file: it starts with {magic.hex(' ') or 'nothing'}")
    dtype, dimensions = np.dtype(_DTYPES[magic[2]]), magic[3]
    start = 4 + 4 * dimensions
    sizes = file.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise DataError(f"{path} is truncated: its header is {4 + len(sizes)} bytes instead of {start}")
    shape = tuple(int(size) for size in np.frombuffer(sizes, ">u4"))
    values_bytes = dtype.itemsize * math.prod(shape)
    if values_bytes > most_bytes:
        raise DataError(
            f"{path} is truncated: it holds {most_bytes:,} bytes at most instead of {start + values_bytes:,} for shape {shape}"
        )
    _check_memory(path, values_bytes)
    array = np.empty(values_bytes // dtype.itemsize, dtype)
    filled = _fill(array.view(np.uint8), file)
    if filled < values_bytes or file.read(1):
        problem = f"truncated: {start + filled:,} bytes" if filled < values_bytes else "too long: more bytes"
        raise DataError(f"{path} is {problem} instead of {start + values_bytes:,} for shape {shape}")
    return array.astype(dtype.newbyteorder("="), copy=False).reshape(shape)


def _check_memory(path: Path, values_bytes: int) -> None:
    free_bytes = free_memory_bytes()
    if values_bytes > free_bytes:
        raise DataError(
            f"{path} holds {values_bytes:,} bytes of values, and {free_bytes:,} bytes of memory are free",
            hint="train on a machine with more memory, or on a part of the data",
        )


def _fill(values: npt.NDArray[np.uint8], file: IO[bytes]) -> int:
    """Returns the number of bytes that the file had, at most as many as there are values."""
    filled = 0
    while filled < len(values):
        block = file.read(min(_BLOCK_BYTES, len(values) - filled))
        if not block:
            break
        values[filled : filled + len(block)] = np.frombuffer(block, np.uint8)
        filled += len(block)
    return filled


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
