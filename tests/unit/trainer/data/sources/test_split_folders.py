"""Folders named like a split may be splits or classes: their content decides."""

from pathlib import Path

import pytest

from naiad.errors import DataError
from naiad.trainer.data.sources.image_files import image_suffixes
from naiad.trainer.data.sources.split_folders import SplitFolders, find_split_folders


def find(root: Path, *files: str) -> SplitFolders:
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return find_split_folders(root, image_suffixes())


def kinds(found: SplitFolders) -> list[str]:
    return [item.kind for item in found.findings.items]


@pytest.mark.parametrize(
    "files",
    [
        ("train/cat/1.png", "train/dog/1.png", "test/cat/1.png", "val/dog/1.png"),
        ("train/1.png", "test/2.png"),
        ("Training/cat/1.png", "Training/dog/1.png"),
    ],
)
def test_splits(tmp_path: Path, files: tuple[str, ...]) -> None:
    found = find(tmp_path, *files)
    assert {path.name for path in found.folders.values()} == {name.partition("/")[0] for name in files}
    assert "train" in found.folders
    assert kinds(found) == []


@pytest.mark.parametrize(
    "files",
    [
        ("train/1.png", "bus/1.png", "car/1.png"),
        ("train/more/1.png", "bus/1.png"),
        ("test/1.png", "exam/1.png"),
        ("val/1.png", "test/1.png", "train_station/1.png"),
    ],
)
def test_names_of_splits_may_be_classes(tmp_path: Path, files: tuple[str, ...]) -> None:
    found = find(tmp_path, *files)
    assert found.folders == {"train": tmp_path}
    assert kinds(found) == ["split-name-is-class"]


@pytest.mark.parametrize(
    "files",
    [
        ("train/cat/1.png", "train/dog/1.png", "test/cat/1.png", "raw/1.png"),
        ("train/cat/1.png", "train/dog/1.png", "unlabelled/1.png"),
        ("train/cat/1.png", "train/dog/1.png", "extra/cat/1.png", "extra/dog/1.png"),
    ],
)
def test_folders_beside_splits_are_told(tmp_path: Path, files: tuple[str, ...]) -> None:
    found = find(tmp_path, *files)
    assert found.folders["train"] == tmp_path / "train"
    assert kinds(found) == ["folder-beside-splits"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (("train/steam/1.png", "train/diesel/1.png", "bus/city/1.png", "bus/school/1.png"), "splits or classes"),
        (("train/1.png", "test/1.png", "bus/1.png"), "splits or classes"),
        (("train/1.png", "train/cat/1.png", "train/dog/1.png", "bus/1.png"), "splits or classes"),
        (("train/cat/1.png", "training/cat/1.png"), "two folders for the train split: train and training"),
        (("val/cat/1.png", "valid/cat/1.png", "train/cat/1.png"), "two folders for the validation split"),
        (("test/cat/1.png", "test/dog/1.png"), "no folder train"),
        (("cat/1.png", "dog/1.png", "test/cat/1.png", "test/dog/1.png"), "class folders beside test"),
    ],
)
def test_what_could_be_both_is_refused(tmp_path: Path, files: tuple[str, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        find(tmp_path, *files)


def test_an_empty_folder_named_like_a_split_does_not_count_twice(tmp_path: Path) -> None:
    (tmp_path / "Train").mkdir()
    assert find(tmp_path, "train/cat/1.png").folders == {"train": tmp_path / "train"}


def test_an_empty_train_folder_stays_the_train_split(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    assert find(tmp_path, "test/cat/1.png").folders["train"] == tmp_path / "train"


def test_a_hidden_folder_is_no_class(tmp_path: Path) -> None:
    found = find(tmp_path, "train/1.png", ".ipynb_checkpoints/1.png", "@eaDir/1.png")
    assert found.folders == {"train": tmp_path / "train"}


@pytest.mark.parametrize(
    "files",
    [
        ("training_set/cat/1.png", "training_set/dog/1.png", "test_set/cat/1.png", "test_set/dog/1.png"),
        ("train2017/cat/1.png", "train2017/dog/1.png", "val2017/dog/1.png"),
        ("seg-train/cat/1.png", "seg-train/dog/1.png", "seg-test/1.png"),
    ],
)
def test_a_word_of_the_name_may_say_which_split_it_is(tmp_path: Path, files: tuple[str, ...]) -> None:
    found = find(tmp_path, *files)
    assert {path.name for path in found.folders.values()} == {name.partition("/")[0] for name in files}
    assert found.folders["train"].name.startswith(("train", "seg-train"))
    assert kinds(found) == ["split-by-word"]


@pytest.mark.parametrize(
    "files",
    [
        ("train_station/old/1.png", "train_station/new/1.png", "test_tube/old/1.png", "test_tube/new/1.png"),
        ("train_set/a/1.png", "train_set/b/1.png", "test_set/a/1.png", "other_set/a/1.png"),
        ("train_set/1.png", "test_set/1.png"),
        ("train_set/a/1.png", "train_set/b/1.png", "training_set/a/1.png", "test_set/a/1.png"),
        ("test_set/a/1.png", "test_set/b/1.png"),
    ],
)
def test_a_word_of_a_split_in_the_name_of_a_class(tmp_path: Path, files: tuple[str, ...]) -> None:
    assert find(tmp_path, *files).folders == {"train": tmp_path}


def test_a_split_may_be_wrapped_in_a_folder_of_its_name(tmp_path: Path) -> None:
    found = find(tmp_path, "train/train/cat/1.png", "train/train/dog/1.png", "test/test/1.png")
    assert found.folders == {"train": tmp_path / "train" / "train", "test": tmp_path / "test" / "test"}
