"""Tests with processes that answer, that hang, and that are too busy to answer. The test sets the time."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from naiad.service.endpoints.serving import heartbeat as heartbeat_module
from naiad.service.endpoints.serving.heartbeat import Heartbeat, _cpu_ticks


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_a_process_that_answers_is_alive(ends: tuple[socket.socket, socket.socket]):
    ours, theirs = ends
    heartbeat = Heartbeat(ours, os.getpid())
    for second in range(10):
        assert not heartbeat.is_hung(float(second))
        theirs.sendall(theirs.recv(64))


def test_a_process_that_does_nothing_hangs(ends: tuple[socket.socket, socket.socket]):
    with subprocess.Popen(["sleep", "60"]) as process:
        heartbeat = Heartbeat(ends[0], process.pid)
        results = [heartbeat.is_hung(float(second)) for second in range(5)]
        process.kill()
    assert results == [False, False, False, True, True]


def test_a_process_that_is_too_busy_to_answer_is_alive(ends: tuple[socket.socket, socket.socket]):
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        heartbeat = Heartbeat(ends[0], process.pid)
        results = []
        for second in range(6):
            results.append(heartbeat.is_hung(float(second)))
            used = _ticks(process.pid)
            while _ticks(process.pid) == used:
                pass
        process.kill()
    assert not any(results)


def test_a_process_whose_child_is_busy_is_alive(ends: tuple[socket.socket, socket.socket]):
    source = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1, flush=True)\\nwhile True: pass'])"
    with subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, process_group=0) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"1\n"
        before = _cpu_ticks(process.pid)
        while _cpu_ticks(process.pid) == before:
            pass
        os.killpg(process.pid, signal.SIGKILL)


def test_the_processes_that_are_read_are_bounded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A model may start thousands of processes, which were all looked at on the event loop."""
    for pid in range(1, 50):
        (tmp_path / f"{pid}" / "task" / f"{pid}").mkdir(parents=True)
        (tmp_path / f"{pid}" / "stat").write_text(f"{pid} (a) b) S 1 1 1 0 -1 0 0 0 0 0 3 4 0 0")
        (tmp_path / f"{pid}" / "task" / f"{pid}" / "children").write_text(f"{pid + 1} ")
    monkeypatch.setattr(heartbeat_module, "_PROC", tmp_path)
    assert _cpu_ticks(1) == 49 * 7
    monkeypatch.setattr(heartbeat_module, "_MAX_PROCESSES", 10)
    assert _cpu_ticks(1) == 10 * 7


def test_a_closed_connection_is_not_a_hang(ends: tuple[socket.socket, socket.socket]):
    heartbeat = Heartbeat(ends[0], os.getpid())
    heartbeat.is_hung(0.0)
    ends[1].close()
    assert not heartbeat.is_hung(100.0)
    heartbeat.close()


def _ticks(pid: int) -> int:
    with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
        return sum(map(int, file.read().rpartition(")")[2].split()[11:13]))
