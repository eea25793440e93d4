"""Folders of images, with and without classes and splits."""

import os
from pathlib import Path

import pytest
from PIL import Image

from naiad.errors import DataError
from naiad.trainer.data.sources.folder import open_folder
from naiad.trainer.data.sources.raw_data import InputKind


def write_image(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4)).save(path, format="PNG")


def test_class_folders(tmp_path: Path) -> None:
    write_image(tmp_path / "cat" / "1.PNG")
    write_image(tmp_path / "dog" / "deep" / "2.png")
    (tmp_path / "empty").mkdir()
    (tmp_path / "cat" / "notes.txt").write_text("x")
    raw = open_folder(tmp_path)
    assert raw.kind is InputKind.PIL_IMAGES
    assert raw.splits["train"].targets is not None
    assert raw.splits["train"].targets.tolist() == ["cat", "dog"]
    assert list(raw.splits["train"].names) == ["cat/1.PNG", "dog/deep/2.png"]
    assert {item.kind for item in raw.findings.items} == {"empty-class", "not-an-image", "nested-folder"}


def test_splits(tmp_path: Path) -> None:
    for split in ("Train", "valid", "test"):
        write_image(tmp_path / split / "cat" / "1.png")
    assert set(open_folder(tmp_path).splits) == {"train", "validation", "test"}


def test_images_without_class_folders_have_no_labels(tmp_path: Path) -> None:
    write_image(tmp_path / "1.png")
    assert open_folder(tmp_path).splits["train"].targets is None


def test_images_beside_class_folders_are_reported(tmp_path: Path) -> None:
    write_image(tmp_path / "cat" / "1.png")
    write_image(tmp_path / "2.png")
    raw = open_folder(tmp_path)
    assert list(raw.splits["train"].names) == ["cat/1.png"]
    assert [(item.kind, item.examples) for item in raw.findings.items] == [("image-without-class", ("2.png",))]


def test_a_folder_without_images_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    with pytest.raises(DataError, match="holds no images"):
        open_folder(tmp_path)


def test_what_is_not_used_is_reported(tmp_path: Path) -> None:
    write_image(tmp_path / "cat" / "1.png")
    write_image(tmp_path / "cat" / ".ipynb_checkpoints" / "1-checkpoint.png")
    write_image(tmp_path / "cat" / ".2.png")
    write_image(tmp_path / ".thumbnails" / "1.png")
    (tmp_path / "cat" / "3.png").symlink_to("nowhere.png")
    raw = open_folder(tmp_path)
    assert list(raw.splits["train"].names) == ["cat/1.png"]
    assert {(item.kind, item.examples) for item in raw.findings.items} == {
        ("skipped-folder", (".thumbnails",)),
        ("skipped-folder", ("cat/.ipynb_checkpoints",)),
        ("hidden-image", ("cat/.2.png",)),
        ("broken-link", ("cat/3.png",)),
    }


def test_a_class_may_begin_with_underscores(tmp_path: Path) -> None:
    write_image(tmp_path / "__background__" / "1.png")
    write_image(tmp_path / "cat" / "1.png")
    targets = open_folder(tmp_path).splits["train"].targets
    assert targets is not None
    assert targets.tolist() == ["__background__", "cat"]


def test_names_that_are_not_utf8_are_read(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    write_image(folder / os.fsdecode(b"\xff.png"))
    raw = open_folder(tmp_path)
    targets = raw.splits["train"].targets
    assert targets is not None
    assert targets.tolist() == ["caf\\xe9"]
    assert list(raw.splits["train"].names) == ["caf\\xe9/\\xff.png"]
    raw.splits["train"].inputs.open(0).load()


def test_images_without_a_known_suffix_are_named(tmp_path: Path) -> None:
    write_image(tmp_path / "cat" / "photo")
    with pytest.raises(DataError, match=r"no file has the suffix of a format that Pillow reads \(cat/photo\)"):
        open_folder(tmp_path)


def test_a_folder_around_the_data_is_entered_and_told(tmp_path: Path) -> None:
    write_image(tmp_path / "flowers" / "rose" / "1.png")
    write_image(tmp_path / "flowers" / "daisy" / "1.png")
    raw = open_folder(tmp_path)
    assert raw.name == "flowers"
    assert list(raw.splits["train"].names) == ["daisy/1.png", "rose/1.png"]
    assert [(item.kind, item.examples) for item in raw.findings.items] == [("wrapper-folder", ("flowers",))]
    inside = open_folder(tmp_path, known_classes=("flowers",)).splits["train"].names
    assert list(inside) == ["flowers/daisy/1.png", "flowers/rose/1.png"]


def test_folders_inside_class_folders_are_told(tmp_path: Path) -> None:
    for name in ("animals/cat/1.png", "animals/dog/1.png", "plants/1.png", "plants/notes/1.txt"):
        write_image(tmp_path / name)
    nested = [item.examples for item in open_folder(tmp_path).findings.items if item.kind == "nested-folder"]
    assert nested == [("animals/cat", "animals/dog")]


@pytest.mark.parametrize("names", [("Cat", "cat"), ("cat", "cat "), ("caf\u00e9", "cafe\u0301")])
def test_classes_that_look_alike_are_told(tmp_path: Path, names: tuple[str, ...]) -> None:
    for name in (*names, "dog"):
        write_image(tmp_path / name / "1.png")
    (finding,) = open_folder(tmp_path).findings.items
    assert (finding.kind, set(finding.examples)) == ("similar-classes", {repr(name) for name in names})


def test_images_and_their_masks_are_no_classes(tmp_path: Path) -> None:
    write_image(tmp_path / "Images" / "1.png")
    write_image(tmp_path / "masks" / "1.png")
    with pytest.raises(DataError, match="Images and masks with files of the same names"):
        open_folder(tmp_path)
    write_image(tmp_path / "masks" / "2.png")
    assert len(open_folder(tmp_path).splits["train"]) == 3


def test_an_archive_that_was_unpacked_without_its_folders_is_refused(tmp_path: Path) -> None:
    write_image(tmp_path / "cat\\1.png")
    with pytest.raises(DataError, match="backslash"):
        open_folder(tmp_path)
