"""Files below a folder that are images: formats, hidden and tool-made folders, links."""

import os
from pathlib import Path

import pytest
from PIL import Image

from naiad.errors import DataError
from naiad.trainer.data.sources.image_files import find_files, has_images, image_suffixes, printable

SUFFIXES = image_suffixes()


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def names(paths: list[Path], folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in paths]


def images(folder: Path) -> list[str]:
    return names(find_files(folder, SUFFIXES).images, folder)


@pytest.mark.parametrize("suffix", [".jfif", ".jpe", ".jp2", ".qoi", ".tga", ".mpo", ".apng", ".psd", ".ico", ".fits"])
def test_suffixes_are_those_that_pillow_reads(suffix: str) -> None:
    assert suffix in SUFFIXES


@pytest.mark.parametrize("suffix", [".h5", ".mpg", ".grib", ".emf", ".pdf", ".csv", ""])
def test_formats_without_a_decoder_are_no_images(suffix: str) -> None:
    assert suffix not in SUFFIXES


def test_a_format_that_a_package_adds_to_pillow_is_an_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Image.EXTENSION, ".heic", "HEIF")
    monkeypatch.setitem(Image.OPEN, "HEIF", (lambda *_: None, None))
    assert ".heic" in image_suffixes()


@pytest.mark.parametrize(
    "folder", [".ipynb_checkpoints", "@eaDir", "__MACOSX", ".thumbnails", "#recycle", "$RECYCLE.BIN", "__pycache__"]
)
def test_folders_of_tools_are_skipped_at_every_depth(tmp_path: Path, folder: str) -> None:
    touch(tmp_path / "1.png")
    touch(tmp_path / folder / "2.png")
    touch(tmp_path / "deep" / folder / "3.png")
    found = find_files(tmp_path, SUFFIXES)
    assert names(found.images, tmp_path) == ["1.png"]
    assert names(found.skipped_folders, tmp_path) == sorted([folder, f"deep/{folder}"])


def test_hidden_files_are_told_apart(tmp_path: Path) -> None:
    for name in ("1.png", "._1.png", ".DS_Store", "notes.txt"):
        touch(tmp_path / name)
    found = find_files(tmp_path, SUFFIXES)
    assert names(found.images, tmp_path) == ["1.png"]
    assert names(found.hidden_images, tmp_path) == ["._1.png"]
    assert names(found.others, tmp_path) == ["notes.txt"]


def test_files_are_in_the_order_of_their_parts(tmp_path: Path) -> None:
    for name in ("a-b/1.png", "a/2.png", "a.png", "B/3.png"):
        touch(tmp_path / name)
    assert images(tmp_path) == ["B/3.png", "a/2.png", "a-b/1.png", "a.png"]
    assert images(tmp_path) == names(sorted(tmp_path.rglob("*.png")), tmp_path)


def test_a_linked_folder_is_read(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere" / "deep" / "1.png")
    touch(tmp_path / "class" / "2.png")
    (tmp_path / "class" / "more").symlink_to(tmp_path / "elsewhere")
    assert images(tmp_path / "class") == ["2.png", "more/deep/1.png"]


def test_a_folder_is_read_once_and_under_its_own_name(tmp_path: Path) -> None:
    touch(tmp_path / "class" / "own" / "1.png")
    for name in ("a", "z"):
        (tmp_path / "class" / name).symlink_to("own")
    assert images(tmp_path / "class") == ["own/1.png"]


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    touch(tmp_path / "class" / "1.png")
    touch(tmp_path / "other" / "2.png")
    touch(tmp_path / "3.png")
    (tmp_path / "class" / "up").symlink_to("..")
    (tmp_path / "class" / "self").symlink_to(".")
    (tmp_path / "class" / "other").symlink_to("../other")
    (tmp_path / "other" / "up").symlink_to("..")
    (tmp_path / "other" / "back").symlink_to("../class")
    assert images(tmp_path / "class") == ["1.png", "other/2.png"]


def test_a_link_to_a_part_does_not_hide_the_whole(tmp_path: Path) -> None:
    touch(tmp_path / "real" / "part" / "1.png")
    touch(tmp_path / "real" / "2.png")
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "a").symlink_to("../real/part")
    (tmp_path / "class" / "b").symlink_to("../real")
    assert images(tmp_path / "class") == ["a/1.png", "b/2.png"]


def test_links_to_nothing_are_told(tmp_path: Path) -> None:
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "round").symlink_to(tmp_path / "round")
    found = find_files(tmp_path, SUFFIXES)
    assert names(found.broken_links, tmp_path) == ["gone.png", "round"]


def test_a_folder_has_images_unless_they_are_hidden(tmp_path: Path) -> None:
    touch(tmp_path / ".cache" / "1.png")
    touch(tmp_path / ".2.png")
    assert not has_images(tmp_path)
    touch(tmp_path / "deep" / "3.AVIF")
    assert has_images(tmp_path)


def test_a_folder_that_cannot_be_read_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DataError, match="cannot be read: permission denied"):
        find_files(tmp_path, SUFFIXES)


def test_names_that_are_not_utf8_are_printable() -> None:
    assert printable(os.fsdecode(b"caf\xe9.png")) == "caf\\xe9.png"
    assert printable("süß") == "süß"
