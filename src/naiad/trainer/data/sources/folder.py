"""Reads image folders: one folder a class, directly or under train, validation and test; or images alone, without labels."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from naiad.errors import DataError
from naiad.trainer.data.findings import Action, Findings, make_findings
from naiad.trainer.data.sources.raw_data import ImageFiles, InputKind, RawData, RawSplit

IMAGE_SUFFIXES = frozenset(
    {".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"}
)
_SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}


def has_images(folder: Path) -> bool:
    return any(_is_image(path) for path in _files(folder))


def open_folder(path: Path) -> RawData:
    """Raises DataError where the folder holds no image to train on."""
    folders = _split_folders(path)
    splits, findings = {}, Findings()
    for split, folder in folders.items():
        splits[split], split_findings = _read_split(folder, root=path, split=split)
        findings += split_findings
    if not any(len(split) for split in splits.values()):
        raise DataError(
            f"{path} holds no images",
            hint="give one folder of images a class, or IDX, CIFAR, CSV or Parquet files",
        )
    if not len(splits["train"]):
        raise DataError(
            f"{folders['train']} holds no images to train on", hint="put one folder of images a class into it"
        )
    not_empty = {name: split for name, split in splits.items() if len(split)}
    return RawData(path.resolve().name, InputKind.PIL_IMAGES, not_empty, findings=findings)


def _split_folders(path: Path) -> dict[str, Path]:
    folders: dict[str, Path] = {}
    for child in _subfolders(path):
        if (split := _SPLIT_NAMES.get(child.name.lower())) is not None:
            folders.setdefault(split, child)
    return folders if "train" in folders else {"train": path}


def _read_split(folder: Path, *, root: Path, split: str) -> tuple[RawSplit, Findings]:
    paths, labels, empty_classes, other_files = [], [], [], []
    for class_folder in _subfolders(folder):
        files = sorted(_files(class_folder))
        images = [file for file in files if _is_image(file)]
        other_files += [file for file in files if not _is_image(file)]
        paths += images
        labels += [class_folder.name] * len(images)
        if not images:
            empty_classes.append(class_folder.name)
    loose = sorted(file for file in folder.iterdir() if file.is_file() and _is_image(file))
    findings = _report_other_files([_sample_name(path, root) for path in other_files], split)
    if loose and not paths:
        return RawSplit(ImageFiles(loose), None, [_sample_name(path, root) for path in loose]), findings
    findings = (
        _report_empty_classes(empty_classes, split)
        + findings
        + _report_loose_images([_sample_name(path, root) for path in loose], split)
    )
    names = [_sample_name(path, root) for path in paths]
    return RawSplit(ImageFiles(paths), np.array(labels, dtype=np.str_), names), findings


def _report_empty_classes(names: list[str], split: str) -> Findings:
    message = "class folders without an image: the model cannot learn these classes"
    return make_findings("empty-class", split, names, Action.REPORTED, message)


def _report_other_files(names: list[str], split: str) -> Findings:
    message = "files beside the images that have no image suffix: they are not used"
    return make_findings("not-an-image", split, names, Action.REPORTED, message)


def _report_loose_images(names: list[str], split: str) -> Findings:
    message = "images outside the class folders: they are not used"
    return make_findings("image-without-class", split, names, Action.REPORTED, message)


def _subfolders(path: Path) -> list[Path]:
    return sorted(child for child in path.iterdir() if child.is_dir() and not child.name.startswith((".", "__")))


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if not path.name.startswith(".") and path.is_file())


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES


def _sample_name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()
