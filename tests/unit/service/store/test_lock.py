import datetime as dt
import os
import stat
import subprocess
import sys

import pytest

from naiad.errors import FolderError
from naiad.service.store.lock import hold

SINCE = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
HOLDER = """
import datetime as dt, pathlib, sys
from naiad.service.store.lock import hold
held = hold(pathlib.Path(sys.argv[1]), url="http://127.0.0.1:4711", since=dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC))
print("held", flush=True)
sys.stdin.read()
"""


def take(folder):
    return hold(folder, url="http://here", since=SINCE)


def test_another_process_is_named_and_lets_go_when_it_is_killed(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        said = rf"process {holder.pid} on .* since 2026-01-02 03:04:05 UTC, at http://127.0.0.1:4711"
        with pytest.raises(FolderError, match=f"{tmp_path} is in use by {said}") as refused:
            take(tmp_path)
        assert "another folder" in refused.value.hint
        holder.kill()
    take(tmp_path).release()


def test_the_same_process_cannot_take_it_twice(tmp_path):
    first = take(tmp_path)
    with pytest.raises(FolderError, match=f"process {os.getpid()} "):
        take(tmp_path)
    assert first.still_held()
    first.release()
    first.release()
    assert not first.still_held()
    take(tmp_path).release()


def test_reading_the_file_does_not_let_it_go(tmp_path):
    held = take(tmp_path)
    (tmp_path / "naiad.lock").read_bytes()
    with pytest.raises(FolderError, match="in use"):
        take(tmp_path)
    held.release()


def test_a_program_that_is_started_does_not_keep_it(tmp_path):
    held = take(tmp_path)
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, close_fds=False):
        held.release()
        take(tmp_path).release()


def test_the_file_is_its_owners_alone(tmp_path):
    held = take(tmp_path / "made")
    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "made" / "naiad.lock").stat().st_mode) == 0o600
    held.release()


@pytest.mark.parametrize("note", [b"", b"{", b"[]", b'{"pid": 1}', b"\xff" * 9000])
def test_a_holder_without_a_readable_note_is_another_process(tmp_path, note):
    held = take(tmp_path)
    (tmp_path / "naiad.lock").write_bytes(note)
    with pytest.raises(FolderError, match="in use by another process"):
        take(tmp_path)
    held.release()


def test_a_link_in_its_place_is_refused(tmp_path):
    (tmp_path / "naiad.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FolderError, match="cannot be used"):
        take(tmp_path)


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FolderError, match="cannot be used"):
        take(tmp_path / "file")
