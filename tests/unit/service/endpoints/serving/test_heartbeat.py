"""Tests with processes that answer, that hang, and that are too busy to answer. The test sets the time."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from naiad.service.endpoints.serving.heartbeat import Heartbeat


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


def test_a_closed_connection_is_not_a_hang(ends: tuple[socket.socket, socket.socket]):
    heartbeat = Heartbeat(ends[0], os.getpid())
    heartbeat.is_hung(0.0)
    ends[1].close()
    assert not heartbeat.is_hung(100.0)
    heartbeat.close()


def _ticks(pid: int) -> int:
    with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
        return sum(map(int, file.read().rpartition(")")[2].split()[11:13]))
