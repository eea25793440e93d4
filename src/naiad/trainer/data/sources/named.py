"""Opens data sets by name: the MNIST and CIFAR families, and those that come with scikit-learn.

Images are searched for in Naiad's cache, then where Debian's packages install them. Else torchvision downloads them.
"""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn import datasets as sklearn_datasets
from sklearn.model_selection import train_test_split
from torchvision import datasets as torchvision_datasets

from naiad.errors import DataError
from naiad.trainer.data.findings import Action, Finding, Findings
from naiad.trainer.data.sources.arrays import numbered_names, tensor_kind, to_sample_tensor
from naiad.trainer.data.sources.cifar import is_cifar, open_cifar
from naiad.trainer.data.sources.idx import is_idx, open_idx
from naiad.trainer.data.sources.raw_data import RawData, RawSplit

FASHION_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
DEBIAN_FOLDER = Path("/usr/share/datasets")
_DIGIT_CLASSES = tuple("0123456789")
_DOWNLOAD_TIMEOUT_S = 10.0
_TEST_FRACTION = 0.2


def dataset_names() -> tuple[str, ...]:
    return tuple(_OPENERS)


def open_named(name: str) -> RawData:
    """Opens the data set ``name``, one of ``dataset_names()``. Raises DataError where it cannot be found or downloaded."""
    return _OPENERS[name]()


def cache_folder() -> Path:
    """Returns ``$NAIAD_CACHE``, else ``$XDG_CACHE_HOME/naiad``, else ``~/.cache/naiad``."""
    if folder := os.environ.get("NAIAD_CACHE"):
        return Path(folder)
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base) / "naiad"
    return Path.home() / ".cache" / "naiad"


def _open_fashion_mnist() -> RawData:
    folder = _find_idx("fashion-mnist", "FashionMNIST")
    if folder is None:
        try:
            folder = _download(torchvision_datasets.FashionMNIST, "FashionMNIST")
        except DataError as error:
            return _substitute_digits(error)
    return replace(open_idx(folder, classes=FASHION_CLASSES), name="fashion-mnist")


def _open_mnist() -> RawData:
    folder = _find_idx("mnist", "MNIST") or _download(torchvision_datasets.MNIST, "MNIST")
    return replace(open_idx(folder, classes=_DIGIT_CLASSES), name="mnist")


def _open_cifar10() -> RawData:
    folder = "cifar-10-batches-py"
    return open_cifar(_find_cifar(folder) or _download(torchvision_datasets.CIFAR10, folder))


def _open_cifar100() -> RawData:
    folder = "cifar-100-python"
    return open_cifar(_find_cifar(folder) or _download(torchvision_datasets.CIFAR100, folder))


def _find_idx(name: str, torchvision_name: str) -> Path | None:
    folders = (cache_folder() / name, cache_folder() / torchvision_name, DEBIAN_FOLDER / name)
    return next((folder for folder in folders if folder.is_dir() and is_idx(folder)), None)


def _find_cifar(name: str) -> Path | None:
    folder = cache_folder() / name
    return folder if is_cifar(folder) else None


def _download(download: Callable[..., Any], folder: str) -> Path:
    """Returns the folder that torchvision downloaded to. Raises DataError."""
    cache = cache_folder()
    try:
        with _short_timeout():
            download(root=str(cache), download=True)
    except (OSError, RuntimeError) as error:
        raise DataError(
            f"{folder} is not in {cache} and cannot be downloaded: {error}",
            hint=f"put its files into {cache / folder}, or give the path of a folder that has them",
        ) from error
    return cache / folder


@contextmanager
def _short_timeout() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_DOWNLOAD_TIMEOUT_S)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _substitute_digits(error: DataError) -> RawData:
    """Returns digits as large as Fashion-MNIST's images, so that the same networks fit. Their name says what they are."""
    digits = _open_digits()
    splits = {name: replace(split, inputs=_resize(split.inputs, 28)) for name, split in digits.splits.items()}
    count = sum(len(split) for split in splits.values())
    message = f"fashion-mnist is not available ({error}): scikit-learn's digits, scaled to 28×28, are used in its place"
    finding = Finding("stand-in-data", "train", count, Action.REPORTED, message)
    name = f"{digits.name}, in the place of fashion-mnist"
    return replace(digits, name=name, splits=splits, findings=Findings((finding,)))


def _resize(images: torch.Tensor, size: int) -> torch.Tensor:
    larger = torch.nn.functional.interpolate(images.float(), size=(size, size), mode="bilinear", align_corners=False)
    return larger.round().clamp(0, 255).to(torch.uint8)


def _open_digits() -> RawData:
    digits = sklearn_datasets.load_digits()
    images = (digits.images * (255 / 16)).round().astype(np.uint8)
    return _with_test_split("digits", images, digits.target, classes=_DIGIT_CLASSES)


def _open_diabetes() -> RawData:
    diabetes = sklearn_datasets.load_diabetes()
    return replace(_with_test_split("diabetes", diabetes.data, diabetes.target), target_name="progression")


def _open_sklearn(name: str, load: Callable[[], Any]) -> RawData:
    bunch = load()
    return _with_test_split(name, bunch.data, bunch.target, classes=tuple(map(str, bunch.target_names)))


def _open_iris() -> RawData:
    return _open_sklearn("iris", sklearn_datasets.load_iris)


def _open_wine() -> RawData:
    return _open_sklearn("wine", sklearn_datasets.load_wine)


def _open_breast_cancer() -> RawData:
    return _open_sklearn("breast-cancer", sklearn_datasets.load_breast_cancer)


def _with_test_split(
    name: str, inputs: npt.NDArray[Any], targets: npt.NDArray[Any], *, classes: tuple[str, ...] = ()
) -> RawData:
    """Splits a fifth off as the test split: always the same samples, stratified where there are classes."""
    values, everything = to_sample_tensor(inputs), np.arange(len(targets))
    train, test = train_test_split(
        everything, test_size=_TEST_FRACTION, random_state=0, stratify=targets if classes else None
    )
    whole = RawSplit(values, targets, numbered_names("index", len(targets)))
    splits = {"train": whole.select(np.sort(train)), "test": whole.select(np.sort(test))}
    return RawData(name, tensor_kind(values), splits, classes=classes, labels_required=True)


_OPENERS: dict[str, Callable[[], RawData]] = {
    "breast-cancer": _open_breast_cancer,
    "cifar10": _open_cifar10,
    "cifar100": _open_cifar100,
    "diabetes": _open_diabetes,
    "digits": _open_digits,
    "fashion-mnist": _open_fashion_mnist,
    "iris": _open_iris,
    "mnist": _open_mnist,
    "wine": _open_wine,
}
