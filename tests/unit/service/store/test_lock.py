import datetime as dt
import errno
import os
import stat
import subprocess
import sys

import pytest

from naiad.errors import FolderError
from naiad.service.store.lock import lock_folder

SINCE = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
OWNER = """
import datetime as dt, pathlib, sys
from naiad.service.store.lock import lock_folder
lock = lock_folder(pathlib.Path(sys.argv[1]), url="http://127.0.0.1:4711", since=dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC))
print("locked", flush=True)
sys.stdin.read()
"""


def acquire(folder):
    return lock_folder(folder, url="http://here", since=SINCE)


def test_another_owner_is_named_and_its_kill_releases_the_lock(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout.readline() == "locked\n"
        description = rf"process {owner.pid} on .* since 2026-01-02 03:04:05 UTC, at http://127.0.0.1:4711"
        with pytest.raises(FolderError, match=f"{tmp_path} is in use by {description}") as refused:
            acquire(tmp_path)
        assert "another folder" in refused.value.hint
        owner.kill()
    acquire(tmp_path).release()


def test_the_same_process_cannot_acquire_it_twice(tmp_path):
    first = acquire(tmp_path)
    with pytest.raises(FolderError, match=f"process {os.getpid()} "):
        acquire(tmp_path)
    assert first.is_held()
    first.release()
    first.release()
    assert not first.is_held()
    acquire(tmp_path).release()


def test_reading_the_file_does_not_release_it(tmp_path):
    lock = acquire(tmp_path)
    (tmp_path / "naiad.lock").read_bytes()
    with pytest.raises(FolderError, match="in use"):
        acquire(tmp_path)
    lock.release()


def test_a_program_that_is_started_does_not_inherit_it(tmp_path):
    lock = acquire(tmp_path)
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, close_fds=False):
        lock.release()
        acquire(tmp_path).release()


def test_only_the_owner_may_read_the_file(tmp_path):
    lock = acquire(tmp_path / "made")
    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "made" / "naiad.lock").stat().st_mode) == 0o600
    lock.release()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": 1}', b"\xff" * 9000])
def test_an_owner_whose_name_cannot_be_read_is_another_process(tmp_path, content):
    lock = acquire(tmp_path)
    (tmp_path / "naiad.lock").write_bytes(content)
    with pytest.raises(FolderError, match="in use by another process"):
        acquire(tmp_path)
    lock.release()


def test_a_link_in_its_place_is_refused(tmp_path):
    (tmp_path / "naiad.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FolderError, match="cannot be used"):
        acquire(tmp_path)


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FolderError, match="cannot be used"):
        acquire(tmp_path / "file")


@pytest.mark.parametrize("call", ["ftruncate", "pwrite"])
def test_a_full_disk_keeps_nobody_from_locking(tmp_path, monkeypatch, call):
    acquire(tmp_path).release()

    def refuse(*_):
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(os, call, refuse)
    lock = acquire(tmp_path)
    assert lock.is_held()
    with pytest.raises(FolderError, match="in use"):
        acquire(tmp_path)
    lock.release()
