"""Signatures of artifacts that Naiad wrote on this machine."""

import json
import stat

import pytest

from naiad.trainer.artifact import folder
from naiad.trainer.artifact.signature import is_signed_here, sign, without_signature

RECORD = {
    "format": "naiad-artifact",
    "loss": float("nan"),
    "rate": 0.1,
    "files": {"program.pt2": {"sha256": "ä\udce9"}},
}


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("NAIAD_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def test_a_record_is_signed_and_recognised_after_json(state):
    signed = sign({"shape": (1, 2), **RECORD})
    assert is_signed_here(signed)
    assert is_signed_here(json.loads(json.dumps(signed)))
    assert is_signed_here(dict(reversed(signed.items())))
    assert sign(signed) == signed
    key = state / "artifact.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert [path.name for path in state.iterdir()] == ["artifact.key"]


@pytest.mark.parametrize(
    "change",
    [
        {"rate": 0.2},
        {"files": {"program.pt2": {"sha256": "other"}}},
        {"more": 1},
        {"signature": ""},
        {"signature": "0" * 64},
        {"signature": "ä" * 64},
        {"signature": 7},
    ],
)
def test_a_changed_record_is_not_signed(change):
    assert not is_signed_here({**sign(RECORD), **change})
    assert not is_signed_here(without_signature(sign(RECORD)))


def test_another_machine_has_not_signed(tmp_path, monkeypatch):
    signed = sign(RECORD)
    monkeypatch.setenv("NAIAD_STATE", str(tmp_path / "other"))
    assert not is_signed_here(signed)
    assert not (tmp_path / "other").exists()


def test_a_key_that_others_could_know_signs_nothing(state):
    signed = sign(RECORD)
    (state / "artifact.key").chmod(0o640)
    assert not is_signed_here(signed)
    assert sign(RECORD) == RECORD
    (state / "artifact.key").chmod(0o600)
    assert is_signed_here(signed)
    moved = (state / "artifact.key").rename(state / "moved")
    (state / "artifact.key").symlink_to(moved)
    assert not is_signed_here(signed)


def test_nothing_is_signed_where_no_key_can_be_kept(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("NAIAD_STATE", str(tmp_path / "file"))
    assert sign(RECORD) == RECORD


def _make(target, *, is_own):
    with folder.replace_artifact(target) as partial:
        (partial / "program.pt2").write_bytes(b"a program")
        folder.commit(target, {"task": "classification"}, is_own=is_own)
    return folder.open_artifact_folder(target)


def test_files_that_are_added_to_a_signed_artifact_keep_it_signed(tmp_path):
    for name, is_own in (("own", True), ("foreign", False)):
        assert _make(tmp_path / name, is_own=is_own).is_signed_here is is_own
        (tmp_path / name / "plan.json").write_text("{}")
        folder.add_files(tmp_path / name, ["plan.json"])
        assert folder.open_artifact_folder(tmp_path / name).is_signed_here is is_own


def test_an_artifact_whose_program_was_replaced_is_not_signed(tmp_path):
    signed = _make(tmp_path / "own", is_own=True)
    with folder.replace_artifact(tmp_path / "forged") as partial:
        (partial / "program.pt2").write_bytes(b"another program")
        folder.commit(tmp_path / "forged", signed.values)
    assert not folder.open_artifact_folder(tmp_path / "forged").is_signed_here
