"""Image folders: a folder a class, directly or under train, validation and test; or images alone, without labels."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from naiad.errors import DataError
from naiad.trainer.data.findings import Action, Finding, Findings
from naiad.trainer.data.sources.raw_data import FilePictures, Kind, RawData, RawSplit

SUFFIXES = frozenset(
    {".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"}
)
_SPLITS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}


def holds_images(folder: Path) -> bool:
    return any(_is_image(path) for path in _files(folder))


def open_folder(path: Path) -> RawData:
    """Raises DataError when there is no image in it."""
    homes = _split_homes(path)
    splits, findings = {}, Findings()
    for split, home in homes.items():
        splits[split], found = _read(home, root=path, split=split)
        findings += found
    if not any(len(split) for split in splits.values()):
        raise DataError(
            f"{path} holds no images",
            hint="a folder a class, with images in it, is needed; or IDX, CIFAR, CSV or Parquet files",
        )
    if not len(splits["train"]):
        raise DataError(f"{homes['train']} holds no images, so there is nothing to train on")
    filled = {name: split for name, split in splits.items() if len(split)}
    return RawData(path.resolve().name, Kind.PICTURES, filled, findings=findings)


def _split_homes(path: Path) -> dict[str, Path]:
    homes: dict[str, Path] = {}
    for child in _children(path):
        if (split := _SPLITS.get(child.name.lower())) is not None:
            homes.setdefault(split, child)
    return homes if "train" in homes else {"train": path}


def _read(home: Path, *, root: Path, split: str) -> tuple[RawSplit, Findings]:
    paths, labels, empty, foreign = [], [], [], []
    classes = _children(home)
    for folder in classes:
        files = sorted(_files(folder))
        images = [file for file in files if _is_image(file)]
        foreign += [file for file in files if not _is_image(file)]
        paths += images
        labels += [folder.name] * len(images)
        if not images:
            empty.append(folder.name)
    loose = sorted(file for file in home.iterdir() if file.is_file() and _is_image(file))
    unlabelled = bool(loose) and not paths
    names = [_name(path, root) for path in (loose if unlabelled else paths)]
    findings = _findings(
        split,
        empty=[] if unlabelled else empty,
        foreign=[_name(path, root) for path in foreign],
        loose=[] if unlabelled else [_name(path, root) for path in loose],
    )
    if unlabelled:
        return RawSplit(FilePictures(loose), None, names), findings
    return RawSplit(FilePictures(paths), np.array(labels, dtype=np.str_), names), findings


def _findings(split: str, *, empty: list[str], foreign: list[str], loose: list[str]) -> Findings:
    told = (
        ("empty-class", empty, "class folders without an image: the classes are not learnt"),
        ("not-an-image", foreign, "files beside the images whose suffix is no image's: they are not used"),
        ("image-without-class", loose, "images beside the class folders, not in one: they are not used"),
    )
    items = tuple(
        Finding(kind, split, len(names), Action.TOLD, message, tuple(names[:5]))
        for kind, names, message in told
        if names
    )
    return Findings(items)


def _children(path: Path) -> list[Path]:
    return sorted(child for child in path.iterdir() if child.is_dir() and not child.name.startswith((".", "__")))


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if not path.name.startswith(".") and path.is_file())


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
