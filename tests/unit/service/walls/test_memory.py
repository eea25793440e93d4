import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from naiad.service.walls.memory import exceeded

MB = 2**20


@contextmanager
def running(code: str) -> Iterator[int]:
    """The process id of a Python that has said that it is ready."""
    command = [sys.executable, "-c", f"{code}\nprint('ready', flush=True)\ninput()"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process.pid
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def test_one_process() -> None:
    with running("held = b'x' * (200 * 2**20)") as pid:
        used = exceeded(pid, 100 * MB)
        assert used is not None
        assert 200 * MB < used < 260 * MB
        assert exceeded(pid, 400 * MB) is None


def test_children_of_children_count() -> None:
    code = """
import os
done, tell = os.pipe()
if os.fork() == 0:
    if os.fork() == 0:
        held = b"x" * (200 * 2**20)
        os.write(tell, b"1")
    os.read(0, 1)
os.read(done, 1)"""
    with running(code) as pid:
        assert exceeded(pid, 150 * MB) is not None


def test_a_chain_of_a_thousand_processes_is_followed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By files of the kind that /proc has, since so many processes would take long."""
    for pid in range(1, 3001):
        task = tmp_path / str(pid) / "task" / str(pid)
        task.mkdir(parents=True)
        (task / "children").write_text(f"{pid + 1} " if pid < 3000 else "1 ")
        (tmp_path / str(pid) / "statm").write_text("9 1 0 0 0 0 0")
    monkeypatch.setattr("naiad.service.walls.memory._PROC", tmp_path)
    assert exceeded(1, 0) == 3000 * os.sysconf("SC_PAGE_SIZE")


def test_what_is_shared_counts_once() -> None:
    code = "import os\nheld = b'x' * (200 * 2**20)\nfor _ in range(4):\n    if os.fork() == 0: input()"
    with running(code) as pid:
        assert exceeded(pid, 400 * MB) is None
        used = exceeded(pid, 150 * MB)
        assert used is not None
        assert used < 300 * MB


def test_a_process_that_is_gone_uses_nothing() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert exceeded(gone.pid, 0) is None
    assert exceeded(os.getpid(), 2**50) is None
