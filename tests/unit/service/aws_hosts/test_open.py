"""Opening the proxy: its port, the port's file, and errors."""

import socket
import sys
from urllib.parse import urlsplit

import pytest

from naiad.errors import FolderError, OptionError
from naiad.service.aws_hosts.open import open_aws_hosts

GATEWAY = "http://127.0.0.1:1"


def port_of(tmp_path, clock, port=0):
    with open_aws_hosts(tmp_path, GATEWAY, port, clock) as hosts:
        address = urlsplit(hosts.proxy_url)
        assert address.hostname == "127.0.0.1"
        assert hosts.bundle.is_file()
        return address.port


def test_the_port_stays_from_one_start_to_the_next(tmp_path, clock):
    first = port_of(tmp_path, clock)
    assert port_of(tmp_path, clock) == first
    with socket.create_server(("127.0.0.1", first)):
        other = port_of(tmp_path, clock)
    assert other != first
    assert port_of(tmp_path, clock) == other
    for nonsense in ("", "x", "99999", "70000", "²"):
        (tmp_path / "aws-hosts" / "port").write_text(nonsense, encoding="utf-8")
        assert port_of(tmp_path, clock) > 0


def test_it_listens_on_loopback_even_where_the_gateway_does_not(tmp_path, clock):
    with open_aws_hosts(tmp_path, "http://192.0.2.1:8128", 0, clock) as hosts:
        assert hosts.proxy_url.startswith("http://127.0.0.1:")


def test_a_chosen_port_that_is_taken(tmp_path, clock):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OptionError, match=f"127.0.0.1:{port} cannot be listened on for AWS's hosts") as caught:
            port_of(tmp_path, clock, port)
    assert "--aws-hosts-port" in caught.value.hint
    assert port_of(tmp_path, clock, port) == port


def test_without_cryptography(tmp_path, clock, monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(OptionError, match="cryptography, which is not installed") as caught:
        port_of(tmp_path, clock)
    assert "--no-aws-hosts" in caught.value.hint


def test_a_folder_that_cannot_be_made(tmp_path, clock):
    (tmp_path / "aws-hosts").write_text("in the way")
    with pytest.raises(FolderError, match="aws-hosts cannot be written: File exists"):
        port_of(tmp_path, clock)
