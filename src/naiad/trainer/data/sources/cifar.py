"""Reads CIFAR-10 and CIFAR-100 from their published python batches.

The batches are pickles. The unpickler here allows plain containers and NumPy arrays of numbers, and nothing else.
Shape legend: N samples.
"""

import io
import math
import pickle  # reason: the published format; the unpickler below runs no foreign code
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from naiad.errors import DataError
from naiad.trainer.data.sources.arrays import numbered_names
from naiad.trainer.data.sources.raw_data import InputKind, RawData, RawSplit

_FOLDER_NAMES = ("cifar-10-batches-py", "cifar-100-python")
_IMAGE_BYTES = 3 * 32 * 32
_ARRAY_CLASS = object()
"""Stands for numpy.ndarray in a pickle, which may not be called."""
_ARRAY_MODULES = ("numpy.core.multiarray", "numpy._core.multiarray")


def is_cifar(path: Path) -> bool:
    """Whether ``path`` is a folder of batches, or the folder above it."""
    return path.is_dir() and _find_batches(path) is not None


def open_cifar(path: Path) -> RawData:
    """Opens a folder of batches, or the folder above it. Raises DataError."""
    folder = _find_batches(path)
    if folder is None:
        raise DataError(
            f"{path} holds no CIFAR batches", hint="data_batch_1 … test_batch, or train and test, are needed"
        )
    is_cifar10 = (folder / "data_batch_1").exists()
    train_files = sorted(folder.glob("data_batch_[0-9]*")) if is_cifar10 else [folder / "train"]
    splits = {"train": _read_split(train_files)}
    test_file = folder / ("test_batch" if is_cifar10 else "test")
    if test_file.exists():
        splits["test"] = _read_split([test_file])
    name = "cifar10" if is_cifar10 else "cifar100"
    return RawData(name, InputKind.IMAGES, splits, classes=_read_classes(folder), labels_required=True)


def read_batch(path: Path) -> dict[str, Any]:
    """Returns the dictionary in a batch file. Raises DataError where it is damaged, or holds more than arrays of numbers."""
    try:
        batch = _PlainUnpickler(path.read_bytes()).load()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, IndexError, KeyError) as error:
        raise DataError(f"{path} is no CIFAR batch: {error}", hint="it may be truncated: download it again") from error
    if not isinstance(batch, dict):
        raise DataError(f"{path} is no CIFAR batch: it holds a {type(batch).__name__}, not a dictionary")
    return {key.decode("latin1") if isinstance(key, bytes) else str(key): value for key, value in batch.items()}


class _PlainUnpickler(pickle.Unpickler):
    """Reads containers and arrays of numbers, no array larger than the batch."""

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content), encoding="latin1")
        self._most_bytes = len(content)

    def find_class(self, module: str, name: str) -> Any:
        if module in _ARRAY_MODULES and name == "_reconstruct":
            return self._empty_array
        if (module, name) == ("numpy", "ndarray"):
            return _ARRAY_CLASS
        if (module, name) == ("numpy", "dtype"):
            return _number_type
        if (module, name) == ("_codecs", "encode"):
            return _latin1
        raise pickle.UnpicklingError(f"it refers to {module}.{name}, which no CIFAR batch does")

    def _empty_array(self, subtype: Any, shape: Any, dtype: Any) -> npt.NDArray[Any]:
        if subtype is not _ARRAY_CLASS:
            raise pickle.UnpicklingError("it holds an array of an unknown class")
        if math.prod(shape) * np.dtype(dtype).itemsize > self._most_bytes:
            raise pickle.UnpicklingError(f"it holds an array of shape {shape}, which is larger than the batch")
        return np.ndarray(shape, dtype)


def _number_type(code: Any, *flags: Any) -> Any:
    dtype = np.dtype(code, *flags)
    if dtype.kind not in "buif":
        raise pickle.UnpicklingError(f"it holds an array of {dtype}, not of numbers")
    return dtype


def _latin1(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it refers to the codec {encoding}")
    return text.encode("latin1")


def _find_batches(path: Path) -> Path | None:
    for folder in (path, *(path / name for name in _FOLDER_NAMES)):
        if (folder / "data_batch_1").is_file() or ((folder / "train").is_file() and (folder / "meta").is_file()):
            return folder
    return None


def _read_split(paths: list[Path]) -> RawSplit:
    batches = [_read_images_and_labels(path) for path in paths]
    images = np.concatenate([images for images, _ in batches])
    labels = np.concatenate([labels for _, labels in batches])
    tensor = torch.from_numpy(images.reshape(-1, 3, 32, 32))
    return RawSplit(tensor, labels, numbered_names("index", len(images)))


def _read_images_and_labels(path: Path) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    batch = read_batch(path)
    images = batch.get("data")
    labels = batch.get("fine_labels", batch.get("labels"))
    if (
        not isinstance(images, np.ndarray)
        or images.dtype != np.uint8
        or images.ndim != 2
        or images.shape[1] != _IMAGE_BYTES
    ):
        raise DataError(f"{path} is no CIFAR batch: 'data' is not uint8 of shape (N, {_IMAGE_BYTES})")
    if not isinstance(labels, list | np.ndarray) or len(labels) != len(images):
        raise DataError(f"{path} is no CIFAR batch: {len(images):,} images without as many labels")
    return images, np.asarray(labels, np.int64)


def _read_classes(folder: Path) -> tuple[str, ...]:
    for file, key in (("batches.meta", "label_names"), ("meta", "fine_label_names")):
        if (folder / file).is_file():
            names = read_batch(folder / file).get(key, [])
            return tuple(name.decode("latin1") if isinstance(name, bytes) else str(name) for name in names)
    return ()
