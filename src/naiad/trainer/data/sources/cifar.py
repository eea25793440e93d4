"""CIFAR-10 and CIFAR-100 as python batches.

The batches are pickles. They are read by an unpickler that admits plain containers and NumPy arrays of numbers, and nothing else.
Shape legend: N samples.
"""

import pickle  # reason: the published format; read below by an unpickler that runs no foreign code
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from naiad.errors import DataError
from naiad.trainer.data.sources.arrays import numbered
from naiad.trainer.data.sources.raw_data import Kind, RawData, RawSplit

_FOLDERS = ("cifar-10-batches-py", "cifar-100-python")
_PIXELS = 3 * 32 * 32
_ARRAY_MODULES = ("numpy.core.multiarray", "numpy._core.multiarray")


def is_cifar(path: Path) -> bool:
    return path.is_dir() and _home(path) is not None


def open_cifar(path: Path) -> RawData:
    """A folder of batches, or the folder above it. Raises DataError."""
    home = _home(path)
    if home is None:
        raise DataError(
            f"{path} holds no CIFAR batches", hint="data_batch_1 … test_batch, or train and test, are needed"
        )
    ten = (home / "data_batch_1").exists()
    training = sorted(home.glob("data_batch_[0-9]*")) if ten else [home / "train"]
    splits = {"train": _split(training)}
    testing = home / ("test_batch" if ten else "test")
    if testing.exists():
        splits["test"] = _split([testing])
    name = "cifar10" if ten else "cifar100"
    return RawData(name, Kind.IMAGES, splits, classes=_classes(home), labels_must_be_whole=True)


def read_batch(path: Path) -> dict[str, Any]:
    """One pickled dictionary. Raises DataError, also when it asks for anything but numbers in arrays."""
    try:
        with path.open("rb") as file:
            batch = _PlainUnpickler(file, encoding="latin1").load()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, IndexError, KeyError) as error:
        raise DataError(f"{path} is no CIFAR batch: {error}", hint="it may be truncated: fetch it again") from error
    if not isinstance(batch, dict):
        raise DataError(f"{path} is no CIFAR batch: it holds a {type(batch).__name__}, not a dictionary")
    return {key.decode("latin1") if isinstance(key, bytes) else str(key): value for key, value in batch.items()}


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if module in _ARRAY_MODULES and name == "_reconstruct":
            return _empty_array
        if (module, name) == ("numpy", "ndarray"):
            return np.ndarray
        if (module, name) == ("numpy", "dtype"):
            return _number_type
        if (module, name) == ("_codecs", "encode"):
            return _latin1
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no CIFAR batch holds")


def _empty_array(subtype: Any, shape: Any, dtype: Any) -> npt.NDArray[Any]:
    if subtype is not np.ndarray:
        raise pickle.UnpicklingError("it holds an array of an unknown class")
    return np.ndarray(shape, dtype)


def _number_type(code: Any, *flags: Any) -> Any:
    dtype = np.dtype(code, *flags)
    if dtype.kind not in "buif":
        raise pickle.UnpicklingError(f"it holds an array of {dtype}, not of numbers")
    return dtype


def _latin1(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it asks for the codec {encoding}")
    return text.encode("latin1")


def _home(path: Path) -> Path | None:
    for place in (path, *(path / name for name in _FOLDERS)):
        if (place / "data_batch_1").is_file() or ((place / "train").is_file() and (place / "meta").is_file()):
            return place
    return None


def _split(paths: list[Path]) -> RawSplit:
    parts = [_images_and_labels(path) for path in paths]
    images = np.concatenate([images for images, _ in parts])
    labels = np.concatenate([labels for _, labels in parts])
    tensor = torch.from_numpy(images.reshape(-1, 3, 32, 32))
    return RawSplit(tensor, labels, numbered("index", len(images)))


def _images_and_labels(path: Path) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    batch = read_batch(path)
    images = batch.get("data")
    labels = batch.get("fine_labels", batch.get("labels"))
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.ndim != 2 or images.shape[1] != _PIXELS:
        raise DataError(f"{path} is no CIFAR batch: 'data' is not uint8 of shape (N, {_PIXELS})")
    if not isinstance(labels, list | np.ndarray) or len(labels) != len(images):
        raise DataError(f"{path} is no CIFAR batch: {len(images):,} images without as many labels")
    return images, np.asarray(labels, np.int64)


def _classes(home: Path) -> tuple[str, ...]:
    for file, key in (("batches.meta", "label_names"), ("meta", "fine_label_names")):
        if (home / file).is_file():
            names = read_batch(home / file).get(key, [])
            return tuple(name.decode("latin1") if isinstance(name, bytes) else str(name) for name in names)
    return ()
