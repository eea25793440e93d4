"""The variables that a shell gets."""

import json
import socket
from dataclasses import replace

import pytest

from naiad.cli.env import proxy_variables
from naiad.cli.main import main
from naiad.errors import FolderError
from naiad.home import ServerAddress, write_address

PLAIN = ServerAddress("http://127.0.0.1:1", "us-east-1", "naiad", "AKIA", "it's")
PROXY = {"proxy_url": "http://127.0.0.1:2", "ca_bundle": "/state/bundle.pem"}
WHOLE = ServerAddress("http://127.0.0.1:1", "us-east-1", "naiad", "AKIA", "it's", **PROXY)


def shown(capsys, *arguments):
    assert main(["env", "--json", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


def test_without_the_flag_no_proxy_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("https_proxy", raising=False)
    write_address(tmp_path, WHOLE)
    plain = shown(capsys, "--state", str(tmp_path))
    assert plain["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert not any("PROXY" in name or "BUNDLE" in name for name in plain)
    assert shown(capsys, "--state", str(tmp_path), "--aws-hosts") == {
        **plain,
        "HTTPS_PROXY": "http://127.0.0.1:2",
        "NO_PROXY": "127.0.0.1,localhost",
        "AWS_CA_BUNDLE": "/state/bundle.pem",
        "REQUESTS_CA_BUNDLE": "/state/bundle.pem",
    }


def test_a_note_says_that_no_server_answers(tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = replace(PLAIN, url=f"http://127.0.0.1:{listening.getsockname()[1]}")
        write_address(tmp_path, address)
        assert main(["env", "--state", str(tmp_path)]) == 0
        assert capsys.readouterr().err == ""
    assert main(["env", "--state", str(tmp_path)]) == 0
    output = capsys.readouterr()
    assert output.err.startswith(f"note: no server answers on {address.url}, ")
    assert f"export AWS_ENDPOINT_URL={address.url}\n" in output.out


def test_lines_for_a_shell_are_quoted(tmp_path, capsys):
    write_address(tmp_path, WHOLE)
    assert main(["env", "--aws-hosts", "--state", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "export HTTPS_PROXY=http://127.0.0.1:2" in lines
    assert """export AWS_SECRET_ACCESS_KEY='it'"'"'s'""" in lines


def test_hosts_that_bypass_a_proxy_still_do():
    environment = {"NO_PROXY": "internal.test,localhost", "https_proxy": "http://old:1"}
    variables = proxy_variables(WHOLE, environment)
    assert variables["NO_PROXY"] == "internal.test,127.0.0.1,localhost"
    assert variables["https_proxy"] == variables["HTTPS_PROXY"] == "http://127.0.0.1:2"
    assert "no_proxy" not in variables
    assert proxy_variables(WHOLE, {**variables, "no_proxy": "a"})["no_proxy"] == "a,127.0.0.1,localhost"
    assert proxy_variables(WHOLE, variables) == variables


def test_a_server_without_the_proxy_is_an_error_with_a_hint():
    with pytest.raises(FolderError, match="runs without --aws-hosts") as caught:
        proxy_variables(PLAIN, {})
    assert caught.value.hint == "start it again: naiad serve --aws-hosts"
