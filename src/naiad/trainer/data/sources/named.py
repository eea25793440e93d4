"""Data sets known by name: the MNIST and CIFAR families, and those that come with scikit-learn.

Images are looked for in Naiad's cache, then where Debian's packages install them, then downloaded into the cache by torchvision.
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
from naiad.trainer.data.sources.arrays import canonical, kind_of, numbered
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
_DIGITS = tuple("0123456789")
_TIMEOUT_S = 10.0
_TEST_SHARE = 0.2


def names() -> tuple[str, ...]:
    return tuple(_SOURCES)


def open_named(name: str) -> RawData:
    """Raises DataError when the data can neither be found nor fetched."""
    return _SOURCES[name]()


def cache_folder() -> Path:
    """``$NAIAD_CACHE``, else ``$XDG_CACHE_HOME/naiad``, else ``~/.cache/naiad``."""
    if chosen := os.environ.get("NAIAD_CACHE"):
        return Path(chosen)
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base) / "naiad"
    return Path.home() / ".cache" / "naiad"


def _fashion_mnist() -> RawData:
    found = _idx_home("fashion-mnist", "FashionMNIST")
    if found is None:
        try:
            found = _fetched(torchvision_datasets.FashionMNIST, "FashionMNIST")
        except DataError as error:
            return _stand_in(error)
    return replace(open_idx(found, classes=FASHION_CLASSES), name="fashion-mnist")


def _mnist() -> RawData:
    found = _idx_home("mnist", "MNIST") or _fetched(torchvision_datasets.MNIST, "MNIST")
    return replace(open_idx(found, classes=_DIGITS), name="mnist")


def _cifar10() -> RawData:
    found = _cifar_home("cifar-10-batches-py") or _fetched(torchvision_datasets.CIFAR10, "cifar-10-batches-py")
    return open_cifar(found)


def _cifar100() -> RawData:
    found = _cifar_home("cifar-100-python") or _fetched(torchvision_datasets.CIFAR100, "cifar-100-python")
    return open_cifar(found)


def _idx_home(name: str, torchvision_name: str) -> Path | None:
    places = (cache_folder() / name, cache_folder() / torchvision_name, DEBIAN_FOLDER / name)
    return next((place for place in places if place.is_dir() and is_idx(place)), None)


def _cifar_home(folder: str) -> Path | None:
    place = cache_folder() / folder
    return place if is_cifar(place) else None


def _fetched(download: Callable[..., Any], folder: str) -> Path:
    """Where torchvision put it. Raises DataError."""
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
    socket.setdefaulttimeout(_TIMEOUT_S)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _stand_in(error: DataError) -> RawData:
    """Digits as large as Fashion-MNIST's images, so that the same networks fit."""
    message = f"fashion-mnist cannot be had ({error}): scikit-learn's digits stand in for it, scaled to 28×28"
    digits = _digits()
    splits = {key: replace(split, inputs=_scaled(split.inputs, 28)) for key, split in digits.splits.items()}
    count = sum(len(split) for split in splits.values())
    told = Finding("stand-in-data", "train", count, Action.TOLD, message)
    return replace(digits, splits=splits, findings=Findings((told,)))


def _scaled(images: torch.Tensor, size: int) -> torch.Tensor:
    larger = torch.nn.functional.interpolate(images.float(), size=(size, size), mode="bilinear", align_corners=False)
    return larger.round().clamp(0, 255).to(torch.uint8)


def _digits() -> RawData:
    digits = sklearn_datasets.load_digits()
    images = (digits.images * (255 / 16)).round().astype(np.uint8)
    return _with_test_split("digits", images, digits.target, classes=_DIGITS)


def _diabetes() -> RawData:
    diabetes = sklearn_datasets.load_diabetes()
    return replace(_with_test_split("diabetes", diabetes.data, diabetes.target), target_name="progression")


def _classes_of(name: str, load: Callable[[], Any]) -> RawData:
    bunch = load()
    return _with_test_split(name, bunch.data, bunch.target, classes=tuple(map(str, bunch.target_names)))


def _iris() -> RawData:
    return _classes_of("iris", sklearn_datasets.load_iris)


def _wine() -> RawData:
    return _classes_of("wine", sklearn_datasets.load_wine)


def _breast_cancer() -> RawData:
    return _classes_of("breast-cancer", sklearn_datasets.load_breast_cancer)


def _with_test_split(
    name: str, inputs: npt.NDArray[Any], targets: npt.NDArray[Any], *, classes: tuple[str, ...] = ()
) -> RawData:
    """A fifth is the test split: always the same one, stratified where there are classes."""
    values, everything = canonical(inputs), np.arange(len(targets))
    train, test = train_test_split(
        everything, test_size=_TEST_SHARE, random_state=0, stratify=targets if classes else None
    )
    whole = RawSplit(values, targets, numbered("index", len(targets)))
    splits = {"train": whole.select(np.sort(train)), "test": whole.select(np.sort(test))}
    return RawData(name, kind_of(values), splits, classes=classes, labels_must_be_whole=True)


_SOURCES: dict[str, Callable[[], RawData]] = {
    "breast-cancer": _breast_cancer,
    "cifar10": _cifar10,
    "cifar100": _cifar100,
    "diabetes": _diabetes,
    "digits": _digits,
    "fashion-mnist": _fashion_mnist,
    "iris": _iris,
    "mnist": _mnist,
    "wine": _wine,
}
