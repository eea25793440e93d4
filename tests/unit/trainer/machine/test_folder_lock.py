"""The lock on a folder: one owner at a time, released however its process ends."""

import errno
import fcntl
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from naiad.errors import FolderInUse
from naiad.trainer.machine.folder_lock import FILE_NAME, lock_folder, unlock_folder

HOLD = """
import sys
from pathlib import Path
from naiad.trainer.machine.folder_lock import lock_folder
lock_folder(Path(sys.argv[1]))
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def owner(tmp_path: Path):
    """Another process that has the lock on ``tmp_path``."""
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        yield process
        process.kill()


def test_a_locked_folder_is_refused_and_the_owner_named(tmp_path: Path, owner: "subprocess.Popen[str]") -> None:
    with pytest.raises(FolderInUse, match=f"a run is writing into the folder {tmp_path}: process {owner.pid} on "):
        lock_folder(tmp_path)
    assert (tmp_path / FILE_NAME).exists()


def test_a_killed_owner_leaves_no_lock(tmp_path: Path, owner: "subprocess.Popen[str]") -> None:
    os.kill(owner.pid, signal.SIGKILL)
    owner.wait()
    lock_folder(tmp_path)
    unlock_folder(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_process_does_not_lock_twice(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "link").symlink_to("run")
    lock_folder(tmp_path / "run")
    try:
        with pytest.raises(FolderInUse, match="this process"):
            lock_folder(tmp_path / "link")
    finally:
        unlock_folder(tmp_path / "link")
    lock_folder(tmp_path / "run")
    unlock_folder(tmp_path / "run")


def test_a_forked_process_does_not_keep_the_lock(tmp_path: Path) -> None:
    """A worker that outlives a killed run must not keep the next one out."""
    lock_folder(tmp_path)
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(write_end)
        os.read(read_end, 1)
        os._exit(0)
    os.close(read_end)
    unlock_folder(tmp_path)
    lock_folder(tmp_path)
    unlock_folder(tmp_path)
    os.close(write_end)
    os.waitpid(child, 0)


def test_reading_and_copying_the_folder_keeps_the_lock(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    lock_folder(tmp_path / "run")
    shutil.copytree(tmp_path / "run", tmp_path / "copy")
    tried = subprocess.run(
        [sys.executable, "-c", HOLD, str(tmp_path / "run")], input="", capture_output=True, text=True, check=False
    )
    unlock_folder(tmp_path / "run")
    assert "FolderInUse" in tried.stderr


def test_unlocking_twice_and_after_the_folder_has_gone_is_harmless(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    lock_folder(tmp_path / "run")
    (tmp_path / "run" / FILE_NAME).unlink()
    (tmp_path / "run").rmdir()
    unlock_folder(tmp_path / "run")
    unlock_folder(tmp_path / "run")


def test_a_file_system_without_locks_locks_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    lock_folder(tmp_path)
    unlock_folder(tmp_path)
