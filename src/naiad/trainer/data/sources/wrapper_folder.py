"""Finds the data set inside folders that only wrap it, as unpacked archives have: ``flowers/flowers/daisy``."""

from collections.abc import Collection
from itertools import islice
from pathlib import Path

from naiad.trainer.data.sources.image_files import has_images, is_image, list_folder
from naiad.trainer.data.sources.split_folders import class_folders, is_named_like_split


def find_data_folder(path: Path, suffixes: frozenset[str], *, known_classes: Collection[str] = ()) -> Path:
    """Returns the folder at or below ``path`` whose folders are the splits or classes. Raises DataError for a closed folder.

    suffixes: those of images. known_classes: those of a trained model; a folder with the name of one is a class.
    """
    inner = _only_folder(path, suffixes)
    if inner is None or is_named_like_split(inner.name) or inner.name in known_classes:
        return path
    below = _folders_with_images(inner, suffixes)
    if any(is_named_like_split(child.name) for child in below):
        is_whole = any(_folders_with_images(child, suffixes) for child in below)
        return inner if is_whole else path
    if len(below) > 1:
        return inner
    deeper = find_data_folder(inner, suffixes, known_classes=known_classes)
    return path if deeper == inner else deeper


def _only_folder(path: Path, suffixes: frozenset[str]) -> Path | None:
    """Returns the only folder with images in ``path``, where no image stands beside it."""
    if any(is_image(child, suffixes) and child.is_file() for child in list_folder(path)):
        return None
    with_images = (child for child in class_folders(path) if has_images(child, suffixes))
    folders = list(islice(with_images, 2))  # two are enough to know: a data set may have thousands
    return folders[0] if len(folders) == 1 else None


def _folders_with_images(path: Path, suffixes: frozenset[str]) -> list[Path]:
    return [child for child in class_folders(path) if has_images(child, suffixes)]
