import json
from pathlib import Path

import pytest

from naiad.cli.main import main
from naiad.cli.run_command import SUCCESS
from naiad.home import ServerAddress, read_address, write_address
from naiad.service.keys import Keys


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NAIAD_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def test_a_key_is_added_listed_without_its_secret_and_revoked(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "add", "ci"]) == SUCCESS
    access, secret = (line.split()[-1] for line in capsys.readouterr().out.splitlines())
    assert main(["keys", "list"]) == SUCCESS
    listed = capsys.readouterr().out
    assert access in listed
    assert secret not in listed
    assert main(["keys", "revoke", "ci"]) == SUCCESS
    assert main(["keys", "list", "--json"]) == SUCCESS
    keys = {key["name"]: key for key in json.loads(capsys.readouterr().out)}
    assert keys["ci"]["revoked_at"] is not None
    assert keys["default"]["revoked_at"] is None
    assert all("secret_key" not in key for key in keys.values())


def test_a_client_of_a_revoked_key_gets_the_next_one(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "add", "ci", "--json"]) == SUCCESS
    added = json.loads(capsys.readouterr().out)
    first = Keys(state / "keys.json").first()
    write_address(state, ServerAddress("http://127.0.0.1:1", "us-east-1", "naiad", first.access_key, first.secret_key))
    assert main(["keys", "revoke", "default"]) == SUCCESS
    address = read_address(state)
    assert (address.access_key, address.secret_key) == (added["access_key"], added["secret_key"])
    assert main(["keys", "revoke", "ci"]) != SUCCESS
    message = capsys.readouterr().err
    assert "error: 'ci' is the last key in use" in message
    assert "naiad keys add NAME" in message


def test_the_files_are_for_their_owner_only(state: Path) -> None:
    assert main(["keys", "add", "ci"]) == SUCCESS
    assert state.stat().st_mode & 0o777 == 0o700
    assert (state / "keys.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["add", "default"], "a key of the name 'default' exists already"),
        (["add", "a b"], "a key's name is 1 to 64 letters"),
        (["revoke", "nobody"], "no key in use is called 'nobody'"),
    ],
)
def test_keys_that_are_refused(
    state: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", *arguments]) != SUCCESS
    assert f"error: {message}" in capsys.readouterr().err


def test_another_state_folder(state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "add", "ci", "--state", str(tmp_path / "other"), "--json"]) == SUCCESS
    assert json.loads(capsys.readouterr().out)["name"] == "ci"
    assert (tmp_path / "other" / "keys.json").is_file()
    assert not state.exists()


def test_scopes_and_limits_are_given_and_listed(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--can", "read", "--can", "jobs,invoke", "--on", "s3://data/team", "--on", "s3://more"]
    assert main(["keys", "add", "ci", *arguments, "--json"]) == SUCCESS
    added = json.loads(capsys.readouterr().out)
    assert added["scopes"] == ["read", "invoke", "jobs"]
    assert added["limits"] == ["s3://data/team/", "s3://more/"]
    assert main(["keys", "list"]) == SUCCESS
    rows = {line.split()[0]: " ".join(line.split()) for line in capsys.readouterr().out.splitlines()}
    assert "read, invoke, jobs s3://data/team/, s3://more/" in rows["ci"]
    assert "read, invoke, jobs, admin all objects" in rows["default"]
    assert main(["keys", "list", "--json"]) == SUCCESS
    default, ci = json.loads(capsys.readouterr().out)
    assert default["scopes"] == ["read", "invoke", "jobs", "admin"]
    assert (ci["scopes"], ci["limits"]) == (added["scopes"], added["limits"])


def test_a_key_with_a_limit_is_no_admin_unless_it_is_said(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "add", "ci", "--on", "s3://data", "--json"]) == SUCCESS
    assert json.loads(capsys.readouterr().out)["scopes"] == ["read", "invoke", "jobs"]
    assert main(["keys", "add", "ops", "--on", "s3://data", "--can", "admin"]) != SUCCESS
    assert "admin reaches every object" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--can", "raed"], "did you mean 'read'?"),
        (["--can", "read,"], "--can '' is no scope"),
        (["--on", "/data"], "give s3://BUCKET or s3://BUCKET/PREFIX"),
    ],
)
def test_scopes_that_are_refused(
    state: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", "add", "ci", *arguments]) != SUCCESS
    assert message in capsys.readouterr().err
    assert main(["keys", "list", "--json"]) == SUCCESS
    assert [key["name"] for key in json.loads(capsys.readouterr().out)] == ["default"]
