"""Reads image folders: one folder a class, directly or under train, validation and test; or images alone, without labels."""

import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence
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
from naiad.trainer.data.sources.wrapper_folder import find_data_folder

_MAX_NAMED = 3


def open_folder(path: Path, *, known_classes: Collection[str] = ()) -> RawData:
    """Raises DataError where the folder holds no image to train on, or where its splits are ambiguous.

    known_classes: those of a trained model. A folder that only wraps the data is entered, unless it has the name of one.
    """
    suffixes = image_suffixes()
    top = find_data_folder(path, suffixes, known_classes=known_classes)
    split_folders = find_split_folders(top, suffixes)
    splits, findings = {}, _report_wrapper(path, top) + split_folders.findings + _report_skipped(top, suffixes)
    for split, folder in split_folders.folders.items():
        splits[split], split_findings = _read_split(folder, suffixes, root=top, split=split)
        findings += split_findings
    if not any(len(split) for split in splits.values()):
        raise _no_images(path, suffixes)
    if not len(splits["train"]):
        raise DataError(
            f"{split_folders.folders['train']} holds no images to train on",
            hint="put one folder of images a class into it",
        )
    not_empty = {name: split for name, split in splits.items() if len(split)}
    return RawData(printable(top.resolve().name), InputKind.PIL_IMAGES, not_empty, findings=findings)


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
        _check_names_have_no_folders(folder, loose)
        return RawSplit(ImageFiles(loose), None, _names(loose, root)), findings
    _check_masks(folder, classes)
    findings = (
        make_findings("empty-class", split, classes.empty, Action.REPORTED, _EMPTY_CLASS)
        + findings
        + make_findings("image-without-class", split, _names(loose, root), Action.REPORTED, _WITHOUT_CLASS)
        + make_findings("nested-folder", split, _nested(classes.files, root), Action.REPORTED, _NESTED)
        + make_findings("similar-classes", split, _similar_names(classes.labels), Action.REPORTED, _SIMILAR)
    )
    return RawSplit(ImageFiles(paths), np.array(classes.labels, dtype=np.str_), _names(paths, root)), findings


_EMPTY_CLASS = "class folders without an image: the model cannot learn these classes"
_WITHOUT_CLASS = "images outside the class folders: they are not used"
_NESTED = "folders inside class folders: their images are of the class of the folder above them"
_SIMILAR = (
    "classes whose names differ only in case, in spaces or in how letters are encoded: they are learnt as different"
)
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


def _nested(files: FoundFiles, root: Path) -> list[str]:
    """Returns the names of the folders inside class folders that have images."""
    if not files.folders:
        return []
    with_images = {path.parent for path in files.images}
    return [printable_name(path, root) for path in files.folders if path in with_images]


def _similar_names(labels: Sequence[str]) -> list[str]:
    """Returns the names of classes that a person may not tell apart."""
    names = list(dict.fromkeys(labels))
    plain = [unicodedata.normalize("NFKC", name).casefold().strip() for name in names]
    count = Counter(plain)
    return [repr(name) for name, text in zip(names, plain, strict=True) if count[text] > 1]


def _check_masks(folder: Path, classes: _ClassFiles) -> None:
    """Raises DataError for pictures and their masks, in two folders with files of the same names: these are no classes."""
    names = sorted(set(classes.labels))
    if len(names) != len(_PICTURE_FOLDERS) or not all(
        any(name.lower() in words for name in names) for words in _PICTURE_FOLDERS
    ):
        return
    stems = [{path.stem for path in classes.files.images if path.is_relative_to(folder / name)} for name in names]
    if stems[0] == stems[1]:
        raise DataError(
            f"{folder} holds {names[0]} and {names[1]} with files of the same names, which are no classes",
            hint="Naiad learns one label an image: give one folder of images a class",
        )


_PICTURE_FOLDERS = (
    frozenset({"images", "image", "imgs", "img", "photos"}),
    frozenset({"masks", "mask", "labels", "annotations", "segmentations", "groundtruth", "ground_truth", "gt"}),
)
"""Names of the folders of a data set for segmentation: of its pictures, and of their masks."""


def _check_names_have_no_folders(folder: Path, images: Sequence[Path]) -> None:
    r"""Raises DataError for ``cat\1.png`` as the name of each file: an archive of Windows was unpacked without its folders."""
    if all("\\" in path.name for path in images):
        raise DataError(
            f"{folder} holds files with a backslash in their name, such as {printable(images[0].name)}: their folders are lost",
            hint=r"unpack the archive again with another tool, or make folders of the names: cat\1.png to cat/1.png",
        )


def _report_wrapper(path: Path, top: Path) -> Findings:
    """Reports that the data are in a folder below the one that was given."""
    names = [] if path == top else [printable_name(top, path)]
    message = "the only folder with images: it is read in place of the one above it, as it would be the only class"
    return make_findings("wrapper-folder", "train", names, Action.REPORTED, message)


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
