import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from naiad.service.walls.memory import memory_over_limit

MB = 2**20


@contextmanager
def run_until_ready(code: str) -> Iterator[int]:
    """Runs a Python program and yields its process id when the program is ready."""
    command = [sys.executable, "-c", f"{code}\nprint('ready', flush=True)\ninput()"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process.pid
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def test_the_memory_of_one_process() -> None:
    with run_until_ready("held = b'x' * (200 * 2**20)") as pid:
        used = memory_over_limit(pid, 100 * MB)
        assert used is not None
        assert 200 * MB < used < 260 * MB
        assert memory_over_limit(pid, 400 * MB) is None


def test_the_memory_of_grandchildren_counts() -> None:
    code = """
import os
done, tell = os.pipe()
if os.fork() == 0:
    if os.fork() == 0:
        held = b"x" * (200 * 2**20)
        os.write(tell, b"1")
    os.read(0, 1)
os.read(done, 1)"""
    with run_until_ready(code) as pid:
        assert memory_over_limit(pid, 150 * MB) is not None


def test_a_chain_of_a_thousand_processes_is_followed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Uses files like those of /proc, because so many processes would take long."""
    for pid in range(1, 3001):
        task = tmp_path / str(pid) / "task" / str(pid)
        task.mkdir(parents=True)
        (task / "children").write_text(f"{pid + 1} " if pid < 3000 else "1 ")
        (tmp_path / str(pid) / "statm").write_text("9 1 0 0 0 0 0")
    monkeypatch.setattr("naiad.service.walls.memory._PROC", tmp_path)
    assert memory_over_limit(1, 0) == 3000 * os.sysconf("SC_PAGE_SIZE")


def test_shared_memory_counts_once() -> None:
    code = "import os\nheld = b'x' * (200 * 2**20)\nfor _ in range(4):\n    if os.fork() == 0: input()"
    with run_until_ready(code) as pid:
        assert memory_over_limit(pid, 400 * MB) is None
        used = memory_over_limit(pid, 150 * MB)
        assert used is not None
        assert used < 300 * MB


def test_a_process_that_has_ended_uses_nothing() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert memory_over_limit(ended.pid, 0) is None
    assert memory_over_limit(os.getpid(), 2**50) is None
