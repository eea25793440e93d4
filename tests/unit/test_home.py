"""The state folder, and the file by which clients find the server."""

import json
import socket
import stat
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from naiad.errors import FolderError
from naiad.home import (
    ServerAddress,
    find_state_folder,
    is_listening,
    make_state_folder,
    read_address,
    replace_key,
    write_address,
)

ADDRESS = ServerAddress("http://127.0.0.1:1", "us-east-1", "bucket", "AKIA", "secret")


def test_an_address_is_written_for_the_owner_only_and_read_back(tmp_path):
    write_address(tmp_path, ADDRESS)
    write_address(tmp_path, ADDRESS)
    assert read_address(tmp_path) == ADDRESS
    assert stat.S_IMODE((tmp_path / "server.json").stat().st_mode) == 0o600
    assert "secret" not in repr(ADDRESS)


def test_a_missing_and_a_damaged_file_are_errors(tmp_path):
    with pytest.raises(FolderError, match="no server has run") as caught:
        read_address(tmp_path)
    assert caught.value.hint == "start one: naiad serve"
    (tmp_path / "server.json").write_text('{"url": 3')
    with pytest.raises(FolderError, match="cannot be read"):
        read_address(tmp_path)


def test_whether_a_server_listens():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = replace(ADDRESS, url=f"http://127.0.0.1:{listening.getsockname()[1]}")
        assert is_listening(address)
    assert not is_listening(address)


def test_only_the_revoked_key_is_replaced(tmp_path):
    replace_key(tmp_path, "AKIA", access_key="NEW", secret_key="other")
    assert not list(tmp_path.iterdir())
    write_address(tmp_path, ADDRESS)
    replace_key(tmp_path, "ELSE", access_key="NEW", secret_key="other")
    assert read_address(tmp_path) == ADDRESS
    replace_key(tmp_path, "AKIA", access_key="NEW", secret_key="other")
    assert read_address(tmp_path) == replace(ADDRESS, access_key="NEW", secret_key="other")


def test_a_state_folder_is_made_for_its_owner_only(tmp_path):
    make_state_folder(tmp_path / "a" / "b")
    make_state_folder(tmp_path / "a" / "b")
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
    (tmp_path / "file").touch()
    with pytest.raises(FolderError, match="cannot be the state folder: it is a file"):
        make_state_folder(tmp_path / "file")


def test_the_folder_comes_from_the_call_or_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "x"))
    monkeypatch.delenv("NAIAD_STATE", raising=False)
    assert find_state_folder() == tmp_path / "x" / "naiad"
    monkeypatch.setenv("NAIAD_STATE", str(tmp_path / "n"))
    assert find_state_folder() == tmp_path / "n"
    assert find_state_folder("~/s") == Path.home() / "s"


def test_a_file_of_a_server_without_a_proxy_is_read(tmp_path):
    write_address(tmp_path, replace(ADDRESS, proxy_url="http://127.0.0.1:2", ca_bundle="/bundle.pem"))
    assert read_address(tmp_path).ca_bundle == "/bundle.pem"
    older = {name: value for name, value in asdict(ADDRESS).items() if name not in ("proxy_url", "ca_bundle")}
    (tmp_path / "server.json").write_text(json.dumps(older))
    assert read_address(tmp_path) == ADDRESS
