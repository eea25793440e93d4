"""Decides which folders are the splits of a data set, and which are its classes: ``train`` may be either.

The content decides: a folder that is named like a split is one where it stands alone or beside other splits, or where it holds
class folders and nothing beside it contradicts. What is decided is reported; what could be both is refused.
Names such as ``training_set`` and ``test_set``, or ``train2017`` and ``val2017``, count where nothing else in them differs.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from naiad.errors import DataError
from naiad.trainer.data.findings import Action, Findings, make_findings
from naiad.trainer.data.sources.image_files import has_images, is_image, is_skipped_folder, list_folder, printable

_SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}


@dataclass(frozen=True)
class SplitFolders:
    """The folder of each split; ``train`` is the data set's own folder where it has no splits."""

    folders: dict[str, Path]
    findings: Findings


@dataclass(frozen=True)
class _Folder:
    """A folder that may be a split or a class."""

    path: Path
    suffixes: frozenset[str]

    @cached_property
    def has_images(self) -> bool:
        """Whether there is an image in it or below it."""
        return has_images(self.path, self.suffixes)

    @cached_property
    def holds_images_itself(self) -> bool:
        return any(is_image(path, self.suffixes) and path.is_file() for path in list_folder(self.path))

    @cached_property
    def class_names(self) -> frozenset[str]:
        """Names of its folders that have images."""
        return frozenset(child.name for child in class_folders(self.path) if has_images(child, self.suffixes))

    @property
    def is_split(self) -> bool:
        """Whether it can only be a split: its images are in several class folders."""
        return len(self.class_names) > 1 and not self.holds_images_itself


def find_split_folders(path: Path, suffixes: frozenset[str]) -> SplitFolders:
    """Returns the splits of the data set at ``path``. suffixes: those of images. Raises DataError where it is ambiguous."""
    folders = [_Folder(_unwrapped(child, suffixes), suffixes) for child in class_folders(path)]
    named = [folder for folder in folders if folder.path.name.lower() in _SPLIT_NAMES]
    if not named:
        return _by_words(folders) or SplitFolders({"train": path}, Findings())
    splits, empty = _group_by_split(path, named)
    if "train" in empty:
        return _as_splits({**splits, **empty}, [])
    others = [folder for folder in folders if folder not in named and folder.has_images]
    if "train" not in splits:
        return _without_train(path, splits, others)
    train, is_alone = splits["train"], len(splits) == 1
    if not others or (train.is_split and not (is_alone and _look_like_classes(train, others))):
        return _as_splits({**splits, **empty}, others)
    if is_alone and len(train.class_names) < 2:
        return _as_classes(path, splits)
    raise _ambiguous(path, splits, others)


def class_folders(path: Path) -> list[Path]:
    """Returns the folders in ``path`` that may be classes, sorted. Raises DataError for a folder that cannot be read."""
    return [child for child in list_folder(path) if child.is_dir() and not is_skipped_folder(child)]


def is_named_like_split(name: str) -> bool:
    """Whether a folder of this name may be a split: ``train``, ``Val``, ``training_set``, ``test2017``."""
    return name.lower() in _SPLIT_NAMES or _split_by_word(name) is not None


def _unwrapped(folder: Path, suffixes: frozenset[str]) -> Path:
    """Returns ``train/train`` for a split ``train`` with nothing else in it, as unpacked archives have; else the folder."""
    inner = folder / folder.name
    if not is_named_like_split(folder.name) or not inner.is_dir():
        return folder
    has_more = any(
        has_images(child, suffixes) if child.is_dir() else is_image(child, suffixes)
        for child in list_folder(folder)
        if child != inner and not is_skipped_folder(child)
    )
    return folder if has_more or not has_images(inner, suffixes) else inner


def _split_by_word(name: str) -> tuple[str, str] | None:
    """Returns the split of which the name has the word, and the rest of the name; None where it has none, or two."""
    words = re.findall(r"[^\W\d_]+|\d+", name.lower())
    splits = [word for word in words if word in _SPLIT_NAMES]
    if len(splits) != 1 or len(words) < 2:
        return None
    return _SPLIT_NAMES[splits[0]], " ".join(word for word in words if word not in _SPLIT_NAMES)


def _by_words(folders: Sequence[_Folder]) -> SplitFolders | None:
    """Returns splits that are named by a word each, with the same classes; None where the folders are classes."""
    splits: dict[str, _Folder] = {}
    rests: set[str] = set()
    for folder in folders:
        word = _split_by_word(folder.path.name)
        if word is not None and folder.has_images:
            if word[0] in splits:
                return None
            splits[word[0]] = folder
            rests.add(word[1])
    train = splits.get("train")
    if train is None or len(splits) < 2 or len(rests) > 1 or not train.is_split:
        return None
    others = [folder for folder in folders if folder.has_images and folder not in splits.values()]
    if any(folder.class_names & train.class_names for folder in others):
        return None
    if not all(folder.class_names & train.class_names or not folder.class_names for folder in splits.values()):
        return None
    names = [printable(folder.path.name) for folder in splits.values()]
    message = (
        "folders with the word of a split in their name are read as the splits; ImageFolder(path) would read classes"
    )
    told = make_findings("split-by-word", "train", names, Action.REPORTED, message)
    found = _as_splits(splits, others)
    return SplitFolders(found.folders, told + found.findings)


def _group_by_split(path: Path, folders: Sequence[_Folder]) -> tuple[dict[str, _Folder], dict[str, _Folder]]:
    """Returns the folder of each split that has images, and that of each split that has none."""
    splits: dict[str, _Folder] = {}
    empty: dict[str, _Folder] = {}
    for folder in folders:
        split = _SPLIT_NAMES[folder.path.name.lower()]
        if not folder.has_images:
            empty.setdefault(split, folder)
        elif split in splits:
            raise DataError(
                f"{path} has two folders for the {split} split: {splits[split].path.name} and {folder.path.name}",
                hint=f"put their images into one, or name the splits: {{{split!r}: {str(folder.path)!r}}}",
            )
        else:
            splits[split] = folder
    return splits, {split: folder for split, folder in empty.items() if split not in splits}


def _without_train(path: Path, splits: dict[str, _Folder], others: Sequence[_Folder]) -> SplitFolders:
    if not any(folder.class_names for folder in splits.values()) and (others or not splits):
        return _as_classes(path, splits) if splits else SplitFolders({"train": path}, Findings())
    first = next(iter(splits.values())).path
    if others:
        raise DataError(
            f"{path} has class folders beside {first.name}, which has class folders too",
            hint=f"put the class folders of the training images into {path / 'train'}",
        )
    raise DataError(
        f"{path} has the folder {first.name} of a split, and no folder train",
        hint=f"give {str(first)!r} itself, or add {str(path / 'train')!r}",
    )


def _look_like_classes(train: _Folder, others: Sequence[_Folder]) -> bool:
    """Whether folders beside ``train`` are built as it is, of class folders with other names: a hierarchy of classes."""
    return any(other.is_split and not other.class_names & train.class_names for other in others)


def _as_splits(splits: dict[str, _Folder], others: Sequence[_Folder]) -> SplitFolders:
    message = "folders of images beside the splits: they are not used"
    names = [printable(folder.path.name) for folder in others]
    findings = make_findings("folder-beside-splits", "train", names, Action.REPORTED, message)
    return SplitFolders({split: folder.path for split, folder in splits.items()}, findings)


def _as_classes(path: Path, splits: dict[str, _Folder]) -> SplitFolders:
    first = next(iter(splits))
    example = {first: str(splits[first].path)}
    message = f"folders named like a split are read as classes, as other classes stand beside them; splits are given as {example}"
    names = [folder.path.name for folder in splits.values()]
    findings = make_findings("split-name-is-class", "train", names, Action.REPORTED, printable(message))
    return SplitFolders({"train": path}, findings)


def _ambiguous(path: Path, splits: dict[str, _Folder], others: Sequence[_Folder]) -> DataError:
    named, beside = [folder.path.name for folder in splits.values()], [folder.path.name for folder in others[:3]]
    given = {split: str(folder.path) for split, folder in splits.items()}
    return DataError(
        f"{path} holds {' and '.join(named)}, which may be splits or classes, beside {', '.join(beside)}",
        hint=f"give the splits by name: {given}; or the classes: torchvision.datasets.ImageFolder({str(path)!r})",
    )
