import os
import socket
from pathlib import Path

import pytest

from naiad.service.walls.program_files import FolderContent, list_folder, open_file, read_text


@pytest.fixture
def ml(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "keys").write_text("secret")
    (tmp_path / "ml" / "model" / "deep").mkdir(parents=True)
    (tmp_path / "ml" / "model" / "deep" / "weights").write_bytes(b"w")
    return tmp_path / "ml"


def test_regular_files_and_others_are_listed_apart(ml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (ml / "model" / "a").touch()
    (ml / "model" / "link").symlink_to(ml.parent / "state" / "keys")
    (ml / "model" / "folder").symlink_to(ml.parent / "state")
    os.mkfifo(ml / "model" / "pipe")
    monkeypatch.chdir(ml / "model" / "deep")  # a socket's path has few characters
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        assert list_folder(ml, "model") == FolderContent(
            ("a", "deep/weights"), ("deep/socket", "folder", "link", "pipe")
        )


def test_a_link_in_the_place_of_a_folder_is_not_followed(ml: Path) -> None:
    (ml / "other").symlink_to(ml.parent / "state")
    (ml / "model" / "inner").symlink_to(ml / "model" / "deep")
    assert list_folder(ml, "other") == FolderContent((), (".",))
    assert list_folder(ml, "model/inner") == FolderContent((), (".",))
    assert list_folder(ml, "none") == FolderContent((), ())


def test_a_file_is_opened_by_its_name(ml: Path) -> None:
    with open_file(ml, "model/deep/weights") as file:
        assert file.read() == b"w"


def test_links_and_pipes_are_not_opened(ml: Path) -> None:
    (ml / "model" / "link").symlink_to(ml.parent / "state" / "keys")
    (ml / "model" / "folder").symlink_to(ml.parent / "state")
    os.mkfifo(ml / "model" / "pipe")
    for name in ("link", "folder/keys", "pipe", "deep", "none"):
        with pytest.raises(OSError):  # noqa: PT011  # reason: the system decides which one
            open_file(ml, f"model/{name}")


def test_folders_that_lie_too_deep_are_not_entered(ml: Path) -> None:
    (ml / "model" / ("d/" * 300)).mkdir(parents=True)
    (ml / "model" / ("d/" * 256) / "leaf").touch()
    assert list_folder(ml, "model") == FolderContent(("d/" * 256 + "leaf", "deep/weights"), ("d/" * 256 + "d",))


def test_a_text_is_cut_and_may_be_missing(ml: Path) -> None:
    (ml / "failure").write_bytes(b"\xff " + "ü".encode() * 10_000)
    assert read_text(ml, "failure", max_chars=5) == "\ufffd üüü"
    assert read_text(ml, "none", max_chars=5) == ""
    (ml / "message").symlink_to(ml.parent / "state" / "keys")
    assert read_text(ml, "message", max_chars=100) == ""
