"""Access keys in one file, which other processes change too."""

import json
import stat
import subprocess
import sys

import pytest

from naiad.errors import FolderError
from naiad.service.domain.errors import AlreadyExists, InUse, Invalid, NotFound
from naiad.service.domain.scope import ALL_SCOPES, Scope, parse_limit
from naiad.service.keys import Keys


def test_the_first_key_is_created_once(tmp_path):
    first = Keys.open(tmp_path).first()
    assert (first.name, len(first.access_key), len(first.secret_key)) == ("default", 20, 40)
    assert Keys.open(tmp_path).first() == first
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600
    assert first.secret_key not in repr(first)


def test_changes_by_another_process_are_seen(tmp_path):
    here, there = Keys.open(tmp_path), Keys(tmp_path / "keys.json")
    added = there.add("ci")
    assert here.find(added.access_key) == added
    there.revoke("ci")
    assert here.find(added.access_key) is None
    assert [key.name for key in here.all()] == ["default", "ci"]
    assert here.add("ci").access_key != added.access_key


def test_impossible_changes_are_refused(tmp_path):
    keys = Keys.open(tmp_path)
    with pytest.raises(AlreadyExists):
        keys.add("default")
    for name in ("", "a b", "x" * 65, "../x"):
        with pytest.raises(Invalid):
            keys.add(name)
    with pytest.raises(NotFound):
        keys.revoke("nobody")
    with pytest.raises(InUse, match="'default' is the last key in use"):
        keys.revoke("default")
    assert keys.first().name == "default"


def test_without_a_key_in_use_there_is_no_first(tmp_path):
    keys = Keys.open(tmp_path)
    [row] = json.loads((tmp_path / "keys.json").read_text())
    (tmp_path / "keys.json").write_text(json.dumps([{**row, "revoked_at": "2030-01-01T00:00:00+00:00"}]))
    with pytest.raises(NotFound, match="every key is revoked"):
        keys.first()


ADDS = """
import sys
from pathlib import Path
from naiad.service.keys import Keys
folder, name = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
keys = Keys.open(Path(folder))
for number in range(20):
    print(keys.add(f"{name}-{number}").access_key)
"""


def test_many_processes_add_keys_and_none_is_lost(tmp_path):
    adders = [
        subprocess.Popen(
            [sys.executable, "-c", ADDS, str(tmp_path), f"p{number}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    for adder in adders:
        assert adder.stdout.readline() == "ready\n"
    for adder in adders:  # all at once
        adder.stdin.write("\n")
        adder.stdin.flush()
    printed = [key for adder in adders for key in adder.communicate()[0].split()]
    keys = Keys(tmp_path / "keys.json")
    assert len(printed) == 80
    assert all(keys.find(access_key) for access_key in printed)
    assert [key.name for key in keys.all()].count("default") == 1


def test_a_damaged_file_raises_an_error(tmp_path):
    Keys.open(tmp_path)
    (tmp_path / "keys.json").write_text("[{")
    with pytest.raises(FolderError, match="cannot be read"):
        Keys(tmp_path / "keys.json").all()


def test_the_file_is_read_again_after_the_maximum_age(tmp_path):
    now = 0.0
    other = Keys.open(tmp_path)
    keys = Keys(tmp_path / "keys.json", max_age_s=0.001, clock=lambda: now)
    assert keys.find(other.first().access_key) is not None
    added = other.add("ci")
    assert keys.find(added.access_key) is None
    now = 0.001
    assert keys.find(added.access_key) == added


def test_scopes_and_limits_are_kept(tmp_path):
    keys = Keys.open(tmp_path)
    limit = parse_limit("s3://data/team")
    added = keys.add("ci", [Scope.READ, Scope.JOBS], [limit])
    found = Keys(tmp_path / "keys.json").find(added.access_key)
    assert found == added
    assert (found.scopes, found.limits) == ({Scope.READ, Scope.JOBS}, (limit,))
    assert keys.add("ops", [Scope.ADMIN]).scopes == ALL_SCOPES


def test_keys_of_earlier_versions_may_do_everything(tmp_path):
    row = {"name": "old", "access_key": "AKIAOLD", "secret_key": "s", "created_at": "", "revoked_at": None}
    (tmp_path / "keys.json").write_text(json.dumps([row]))
    [key] = Keys.open(tmp_path).all()
    assert (key.scopes, key.limits) == (ALL_SCOPES, ())


@pytest.mark.parametrize("changed", [{"scopes": ["everything"]}, {"limits": ["/etc"]}, {"more": 1}])
def test_a_scope_that_is_not_known_is_not_taken_for_another(tmp_path, changed):
    Keys.open(tmp_path)
    [row] = json.loads((tmp_path / "keys.json").read_text())
    (tmp_path / "keys.json").write_text(json.dumps([{**row, **changed}]))
    with pytest.raises(FolderError, match="cannot be read"):
        Keys(tmp_path / "keys.json").all()


def test_keys_for_nothing_and_limited_admins_are_refused(tmp_path):
    keys = Keys.open(tmp_path)
    with pytest.raises(Invalid, match="needs something"):
        keys.add("ci", [])
    with pytest.raises(Invalid, match="admin reaches every object"):
        keys.add("ci", [Scope.ADMIN], [parse_limit("s3://data")])


def test_clients_of_this_machine_get_a_key_that_may_do_everything(tmp_path):
    keys = Keys.open(tmp_path)
    keys.add("ci", [Scope.INVOKE])
    with pytest.raises(InUse, match="'default' is the last key in use that may do everything"):
        keys.revoke("default")
    second = keys.add("ops")
    keys.revoke("default")
    assert keys.first() == second
    keys.revoke("ci")
