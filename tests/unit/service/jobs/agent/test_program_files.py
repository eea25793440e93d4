import os
import socket
from pathlib import Path

import pytest

from naiad.service.jobs.agent.program_files import Left, look, opened, text_of


@pytest.fixture
def ml(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "keys").write_text("secret")
    (tmp_path / "ml" / "model" / "deep").mkdir(parents=True)
    (tmp_path / "ml" / "model" / "deep" / "weights").write_bytes(b"w")
    return tmp_path / "ml"


def test_regular_files_are_found_and_others_told(ml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (ml / "model" / "a").touch()
    (ml / "model" / "link").symlink_to(ml.parent / "state" / "keys")
    (ml / "model" / "folder").symlink_to(ml.parent / "state")
    os.mkfifo(ml / "model" / "pipe")
    monkeypatch.chdir(ml / "model" / "deep")  # a socket's path has few characters
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        assert look(ml, "model") == Left(("a", "deep/weights"), ("deep/socket", "folder", "link", "pipe"))


def test_a_link_in_the_folders_place_is_not_followed(ml: Path) -> None:
    (ml / "other").symlink_to(ml.parent / "state")
    (ml / "model" / "inner").symlink_to(ml / "model" / "deep")
    assert look(ml, "other") == Left((), (".",))
    assert look(ml, "model/inner") == Left((), (".",))
    assert look(ml, "none") == Left((), ())


def test_a_name_is_opened(ml: Path) -> None:
    with opened(ml, "model/deep/weights") as file:
        assert file.read() == b"w"


def test_what_was_changed_into_a_link_or_a_pipe_is_not_opened(ml: Path) -> None:
    (ml / "model" / "link").symlink_to(ml.parent / "state" / "keys")
    (ml / "model" / "folder").symlink_to(ml.parent / "state")
    os.mkfifo(ml / "model" / "pipe")
    for name in ("link", "folder/keys", "pipe", "deep", "none"):
        with pytest.raises(OSError):  # noqa: PT011  # reason: which one is the system's affair
            opened(ml, f"model/{name}")


def test_folders_in_folders_without_end(ml: Path) -> None:
    (ml / "model" / ("d/" * 300)).mkdir(parents=True)
    (ml / "model" / ("d/" * 256) / "leaf").touch()
    assert look(ml, "model") == Left(("d/" * 256 + "leaf", "deep/weights"), ("d/" * 256 + "d",))


def test_a_text_is_cut_and_need_not_be_there(ml: Path) -> None:
    (ml / "failure").write_bytes(b"\xff " + "ü".encode() * 10_000)
    assert text_of(ml, "failure", most_chars=5) == "\ufffd üüü"
    assert text_of(ml, "none", most_chars=5) == ""
    (ml / "message").symlink_to(ml.parent / "state" / "keys")
    assert text_of(ml, "message", most_chars=100) == ""
