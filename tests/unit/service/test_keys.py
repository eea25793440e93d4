"""Named keys in one file that other processes change too."""

import stat

import pytest

from naiad.errors import FolderError
from naiad.service.domain.errors import AlreadyExists, Invalid, NotFound
from naiad.service.keys import Keys


def test_the_first_key_is_made_and_kept(tmp_path):
    first = Keys.open(tmp_path).first()
    assert (first.name, len(first.access_key), len(first.secret_key)) == ("default", 20, 40)
    assert Keys.open(tmp_path).first() == first
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600
    assert first.secret_key not in repr(first)


def test_another_processes_changes_are_seen(tmp_path):
    here, there = Keys.open(tmp_path), Keys(tmp_path / "keys.json")
    added = there.add("ci")
    assert here.find(added.access_key) == added
    there.revoke("ci")
    assert here.find(added.access_key) is None
    assert [key.name for key in here.all()] == ["default", "ci"]
    assert here.add("ci").access_key != added.access_key


def test_what_cannot_be_is_refused(tmp_path):
    keys = Keys.open(tmp_path)
    with pytest.raises(AlreadyExists):
        keys.add("default")
    for name in ("", "a b", "x" * 65, "../x"):
        with pytest.raises(Invalid):
            keys.add(name)
    with pytest.raises(NotFound):
        keys.revoke("nobody")
    keys.revoke("default")
    with pytest.raises(NotFound, match="every key is revoked"):
        keys.first()


def test_a_damaged_file_is_told(tmp_path):
    Keys.open(tmp_path)
    (tmp_path / "keys.json").write_text("[{")
    with pytest.raises(FolderError, match="cannot be read"):
        Keys(tmp_path / "keys.json").all()
