"""Reads image folders: one folder a class, directly or under train, validation and test; or images alone, without labels."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from naiad.errors import DataError
from naiad.trainer.data.findings import Action, Findings, make_findings
from naiad.trainer.data.sources.image_files import (
    FoundFiles,
    find_files,
    has_images,
    image_suffixes,
    is_image,
    is_skipped_folder,
    list_folder,
    printable,
    printable_name,
)
from naiad.trainer.data.sources.raw_data import ImageFiles, InputKind, RawData, RawSplit
from naiad.trainer.data.sources.split_folders import class_folders, find_split_folders

_MAX_NAMED = 3


def open_folder(path: Path) -> RawData:
    """Raises DataError where the folder holds no image to train on, or where its splits are ambiguous."""
    suffixes = image_suffixes()
    split_folders = find_split_folders(path, suffixes)
    splits, findings = {}, split_folders.findings + _report_skipped(path, suffixes)
    for split, folder in split_folders.folders.items():
        splits[split], split_findings = _read_split(folder, suffixes, root=path, split=split)
        findings += split_findings
    if not any(len(split) for split in splits.values()):
        raise _no_images(path, suffixes)
    if not len(splits["train"]):
        raise DataError(
            f"{split_folders.folders['train']} holds no images to train on",
            hint="put one folder of images a class into it",
        )
    not_empty = {name: split for name, split in splits.items() if len(split)}
    return RawData(printable(path.resolve().name), InputKind.PIL_IMAGES, not_empty, findings=findings)


@dataclass
class _ClassFiles:
    """The files of all class folders of a split, in the order of the classes."""

    labels: list[str] = field(default_factory=list)
    """The class of each image."""
    files: FoundFiles = field(default_factory=FoundFiles)
    empty: list[str] = field(default_factory=list)
    """Names of the class folders without an image."""

    def add(self, name: str, found: FoundFiles) -> None:
        self.labels += [name] * len(found.images)
        for kind, paths in vars(found).items():
            getattr(self.files, kind).extend(paths)
        if not found.images:
            self.empty.append(name)


def _read_split(folder: Path, suffixes: frozenset[str], *, root: Path, split: str) -> tuple[RawSplit, Findings]:
    classes = _ClassFiles()
    for class_folder in class_folders(folder):
        classes.add(printable(class_folder.name), find_files(class_folder, suffixes))
    loose = [path for path in list_folder(folder) if is_image(path, suffixes) and path.is_file()]
    paths = classes.files.images
    findings = _report_files(classes.files, root, split)
    if loose and not paths:
        return RawSplit(ImageFiles(loose), None, _names(loose, root)), findings
    findings = (
        make_findings("empty-class", split, classes.empty, Action.REPORTED, _EMPTY_CLASS)
        + findings
        + make_findings("image-without-class", split, _names(loose, root), Action.REPORTED, _WITHOUT_CLASS)
    )
    return RawSplit(ImageFiles(paths), np.array(classes.labels, dtype=np.str_), _names(paths, root)), findings


_EMPTY_CLASS = "class folders without an image: the model cannot learn these classes"
_WITHOUT_CLASS = "images outside the class folders: they are not used"
_SKIPPED = "hidden folders, or folders that tools make: they are not used"


def _report_files(files: FoundFiles, root: Path, split: str) -> Findings:
    """Reports the files and folders that are not used."""
    reports = (
        ("not-an-image", files.others, "files beside the images that have no image suffix: they are not used"),
        ("hidden-image", files.hidden_images, "images whose name begins with a dot: they are not used"),
        ("skipped-folder", files.skipped_folders, _SKIPPED),
        ("broken-link", files.broken_links, "links to files or folders that do not exist: nothing is read from them"),
    )
    findings = Findings()
    for kind, paths, message in reports:
        findings += make_findings(kind, split, _names(paths, root), Action.REPORTED, message)
    return findings


def _report_skipped(path: Path, suffixes: frozenset[str]) -> Findings:
    """Reports the skipped folders at the top that have images, as a version control's folder does not."""
    skipped = [child for child in list_folder(path) if child.is_dir() and is_skipped_folder(child)]
    names = [printable(child.name) for child in skipped if _may_have_images(child, suffixes)]
    return make_findings("skipped-folder", "train", names, Action.REPORTED, _SKIPPED)


def _may_have_images(folder: Path, suffixes: frozenset[str]) -> bool:
    """Whether there is an image below a folder that is not used, as far as it can be read."""
    try:
        return has_images(folder, suffixes)
    except DataError:
        return False


def _no_images(path: Path, suffixes: frozenset[str]) -> DataError:
    others = find_files(path, suffixes).others
    if not others:
        what = "holds no images"
    else:
        named = ", ".join(_names(others[:_MAX_NAMED], path))
        more = ", …" if len(others) > _MAX_NAMED else ""
        what = f"holds no images: no file has the suffix of a format that Pillow reads ({named}{more})"
    return DataError(f"{path} {what}", hint="give one folder of images a class, or IDX, CIFAR, CSV or Parquet files")


def _names(paths: Sequence[Path], root: Path) -> list[str]:
    return [printable_name(path, root) for path in paths]
