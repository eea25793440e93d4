"""``naiad backup`` and ``naiad restore`` on a state folder without a server."""

import json
from pathlib import Path

import pytest

from naiad.cli.main import main
from naiad.cli.run_command import SUCCESS, USAGE_ERROR
from naiad.service.keys import Keys
from naiad.service.store.open import open_store


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NAIAD_STATE", str(tmp_path / "state"))
    open_store(tmp_path / "state").close()
    Keys.open(tmp_path / "state")
    return tmp_path / "state"


def test_a_key_that_was_lost_comes_back(state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, made = tmp_path / "backups", []
    for _ in range(3):
        assert main(["backup", str(folder), "--keep", "2", "--json"]) == SUCCESS
        made.append(json.loads(capsys.readouterr().out))
    assert [one["files"] for one in made] == [2, 2, 2]
    assert sorted(map(str, folder.glob("naiad-*"))) == [one["path"] for one in made[1:]]
    key = Keys(state / "keys.json").first()
    (state / "keys.json").unlink()
    assert main(["restore", str(folder)]) == SUCCESS
    assert capsys.readouterr().out == f"restored 2 files from {made[-1]['path']}\n"
    assert Keys(state / "keys.json").first() == key


def test_a_folder_without_backups(state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["restore", str(tmp_path / "none")]) == USAGE_ERROR
    said = capsys.readouterr().err
    assert "error: there is no backup in" in said
    assert "naiad backup FOLDER" in said


def test_a_postgres_is_named(state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backup", str(tmp_path / "backups"), "--database", "postgresql://host/db"]) == SUCCESS
    assert "use pg_dump" in capsys.readouterr().out
