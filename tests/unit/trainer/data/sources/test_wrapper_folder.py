"""Folders that only wrap a data set are entered."""

from pathlib import Path

import pytest

from naiad.trainer.data.sources import wrapper_folder
from naiad.trainer.data.sources.image_files import image_suffixes
from naiad.trainer.data.sources.wrapper_folder import find_data_folder


def data_folder(root: Path, *files: str, known_classes: tuple[str, ...] = ()) -> str:
    """Returns the name of the folder that is found, below ``root``."""
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return find_data_folder(root, image_suffixes(), known_classes=known_classes).relative_to(root).as_posix()


@pytest.mark.parametrize(
    ("files", "name"),
    [
        (("flowers/rose/1.png", "flowers/daisy/1.png"), "flowers"),
        (("a/b/rose/1.png", "a/b/daisy/1.png"), "a/b"),
        (("data/train/rose/1.png", "data/train/daisy/1.png", "data/val/rose/1.png"), "data"),
        (("flowers/rose/1.png", "flowers/daisy/1.png", "__MACOSX/flowers/1.png", "notes/1.txt"), "flowers"),
    ],
)
def test_a_folder_around_the_data_is_entered(tmp_path: Path, files: tuple[str, ...], name: str) -> None:
    assert data_folder(tmp_path, *files) == name


@pytest.mark.parametrize(
    "files",
    [
        ("rose/1.png", "daisy/1.png"),
        ("rose/1.png",),
        ("rose/garden/1.png",),
        ("1.png", "flowers/rose/1.png", "flowers/daisy/1.png"),
        ("train/rose/1.png", "train/daisy/1.png"),
        ("images/train/1.png", "images/val/1.png"),
        ("notes/1.txt",),
    ],
)
def test_classes_splits_and_images_are_where_they_are(tmp_path: Path, files: tuple[str, ...]) -> None:
    assert data_folder(tmp_path, *files) == "."


def test_a_class_of_a_trained_model_is_no_wrapper(tmp_path: Path) -> None:
    files = ("rose/2023/1.png", "rose/2024/1.png")
    assert data_folder(tmp_path, *files, known_classes=("daisy", "rose")) == "."


def test_no_more_than_two_class_folders_are_walked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    walked = []
    monkeypatch.setattr(wrapper_folder, "has_images", lambda folder, _: walked.append(folder.name) or True)
    assert data_folder(tmp_path, *(f"{name}/1.png" for name in "abcd")) == "."
    assert walked == ["a", "b"]
