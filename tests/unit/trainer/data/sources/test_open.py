"""Sources that are recognised by what they are."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from naiad.errors import DataError
from naiad.trainer.data.sources import open_source
from naiad.trainer.data.sources.open import add_validation
from naiad.trainer.data.sources.raw_data import InputKind

X, Y = np.zeros((4, 2)), [0, 1, 0, 1]


def test_a_name() -> None:
    assert open_source("Breast_Cancer").name == "breast-cancer"


def test_splits_in_a_dictionary() -> None:
    raw = open_source({"train": (X, Y), "test": (X[:2], Y[:2])})
    assert {key: len(split) for key, split in raw.splits.items()} == {"train": 4, "test": 2}


def test_validation_data_without_splits_is_taken_whole() -> None:
    raw = add_validation(open_source((X, Y)), open_source((X[:3], Y[:3])))
    assert len(raw.splits["validation"]) == 3


def test_a_missing_path_suggests_a_similar_one(tmp_path: Path) -> None:
    (tmp_path / "flowers").mkdir()
    with pytest.raises(DataError, match="flower does not exist") as caught:
        open_source(tmp_path / "flower")
    assert "flowers" in str(caught.value.hint)
    with pytest.raises(DataError, match="does not exist") as caught:
        open_source("fashion-mnits")
    assert "fashion-mnist" in str(caught.value.hint)


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="empty folder"):
        open_source(tmp_path)


def test_a_file_of_unknown_format_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.doc").write_text("x")
    with pytest.raises(DataError, match="in no format that Naiad reads"):
        open_source(str(tmp_path / "x.doc"))


@pytest.mark.parametrize("data", [None, {}, {"training": (X, Y)}, {"test": (X, Y)}, object()])
def test_an_argument_that_is_no_data_is_an_error(data: object) -> None:
    with pytest.raises(DataError):
        open_source(data)


@pytest.mark.parametrize(("name", "hint"), [("x.zip", "unpack"), ("x.tar.gz", "unpack"), ("x.PNG", "naiad predict")])
def test_the_hint_says_what_to_do_with_a_file(tmp_path: Path, name: str, hint: str) -> None:
    (tmp_path / name).write_text("x")
    with pytest.raises(DataError) as caught:
        open_source(tmp_path / name)
    assert hint in str(caught.value.hint)


def test_a_pattern_and_a_link_to_nothing_are_no_paths(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    for path, hint in (("*/*.png", "not a pattern"), ("link", "link to nothing")):
        with pytest.raises(DataError, match="does not exist") as caught:
            open_source(str(tmp_path / path))
        assert hint in str(caught.value.hint)


def test_a_path_of_bytes_is_no_list_of_numbers(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="given b'"):
        open_source(bytes(tmp_path))


def test_a_table_that_names_images_in_folders_is_read(tmp_path: Path) -> None:
    for name in ("00", "01"):
        (tmp_path / "images" / name).mkdir(parents=True)
        Image.new("L", (4, 4)).save(tmp_path / "images" / name / "1.png")
    (tmp_path / "labels.csv").write_text("file,label\nimages/00/1.png,cat\nimages/01/1.png,dog\n")
    assert open_source(tmp_path).kind is InputKind.TABLE


def test_a_folder_around_classes_is_entered_also_beside_a_table(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        Image.new("L", (4, 4)).save(tmp_path / "pets" / name / "1.png")
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n")
    raw = open_source(tmp_path)
    assert list(raw.splits["train"].names) == ["cat/1.png", "dog/1.png"]
    assert [item.kind for item in raw.findings.items] == ["wrapper-folder"]
    assert open_source(tmp_path, known_classes=("pets", "birds")).kind is InputKind.TABLE
