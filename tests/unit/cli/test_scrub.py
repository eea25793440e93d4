"""``naiad scrub`` names what is damaged, and says so with its exit status."""

import json
from pathlib import Path

import pytest

from naiad.cli.main import main
from naiad.cli.run_command import SUCCESS, USAGE_ERROR
from naiad.service.blobs.folder import FolderBlobStore
from naiad.service.keys import Keys
from naiad.service.store.open import open_store


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NAIAD_STATE", str(tmp_path / "state"))
    open_store(tmp_path / "state").close()
    Keys.open(tmp_path / "state")
    blobs = FolderBlobStore(tmp_path / "state" / "blobs")
    blobs.create_bucket("bucket")
    for key in ("a", "b"):
        blobs.put("bucket", key, [b"content"])
    return tmp_path / "state"


def test_everything_is_well(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scrub"]) == SUCCESS
    assert capsys.readouterr().out == "2 objects, 14 bytes: 0 damaged\n"


def test_damage_is_named(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = state / "blobs" / "bucket" / "b@"
    path.write_bytes(b"C" + path.read_bytes()[1:])
    with (state / "naiad.db").open("r+b") as file:
        file.write(b"no database")
    assert main(["scrub"]) == 1
    said = capsys.readouterr().out
    assert "damaged: s3://bucket/b: block 1 of 1 has another checksum\n" in said
    assert "damaged: the database: " in said
    assert main(["scrub", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["objects"], [one["key"] for one in found["damaged"]]) == (2, ["b"])
    assert found["database"]


def test_a_folder_without_a_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scrub", "--state", str(tmp_path)]) == USAGE_ERROR
    assert "no server has run on" in capsys.readouterr().err
