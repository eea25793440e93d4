"""Where the state is, and the file that says where the server is."""

import json
import socket
import stat
from dataclasses import asdict, replace

import pytest

from naiad.errors import FolderError
from naiad.home import Address, is_listening, make_state_folder, read_address, replace_key, state_folder, write_address

ADDRESS = Address("http://127.0.0.1:1", "us-east-1", "bucket", "AKIA", "secret")


def test_there_and_back_for_the_owner_only(tmp_path):
    write_address(tmp_path, ADDRESS)
    write_address(tmp_path, ADDRESS)
    assert read_address(tmp_path) == ADDRESS
    assert stat.S_IMODE((tmp_path / "server.json").stat().st_mode) == 0o600
    assert "secret" not in repr(ADDRESS)


def test_no_server_and_a_damaged_file(tmp_path):
    with pytest.raises(FolderError, match="no server has run") as caught:
        read_address(tmp_path)
    assert caught.value.hint == "start one: naiad serve"
    (tmp_path / "server.json").write_text('{"url": 3')
    with pytest.raises(FolderError, match="cannot be read"):
        read_address(tmp_path)


def test_somebody_listens_or_nobody_does():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = replace(ADDRESS, url=f"http://127.0.0.1:{listening.getsockname()[1]}")
        assert is_listening(address)
    assert not is_listening(address)


def test_a_key_is_replaced_only_where_it_was_the_one(tmp_path):
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


def test_the_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "x"))
    monkeypatch.delenv("NAIAD_STATE", raising=False)
    assert state_folder() == tmp_path / "x" / "naiad"
    monkeypatch.setenv("NAIAD_STATE", str(tmp_path / "n"))
    assert state_folder() == tmp_path / "n"


def test_a_file_of_a_server_without_a_proxy_is_read(tmp_path):
    write_address(tmp_path, replace(ADDRESS, proxy_url="http://127.0.0.1:2", ca_bundle="/bundle.pem"))
    assert read_address(tmp_path).ca_bundle == "/bundle.pem"
    older = {name: value for name, value in asdict(ADDRESS).items() if name not in ("proxy_url", "ca_bundle")}
    (tmp_path / "server.json").write_text(json.dumps(older))
    assert read_address(tmp_path) == ADDRESS
