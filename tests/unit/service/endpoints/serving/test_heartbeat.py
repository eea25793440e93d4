"""Of processes that answer, that stand still, and that have no time to answer. Time is what the test says."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from naiad.service.endpoints.serving.heartbeat import Pulse


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_one_that_answers_lives(ends: tuple[socket.socket, socket.socket]):
    ours, theirs = ends
    pulse = Pulse(ours, os.getpid())
    for second in range(10):
        assert not pulse.is_still(float(second))
        theirs.sendall(theirs.recv(64))


def test_one_that_does_nothing_stands_still(ends: tuple[socket.socket, socket.socket]):
    with subprocess.Popen(["sleep", "60"]) as process:
        pulse = Pulse(ends[0], process.pid)
        found = [pulse.is_still(float(second)) for second in range(5)]
        process.kill()
    assert found == [False, False, False, True, True]


def test_one_that_is_too_busy_to_answer_lives(ends: tuple[socket.socket, socket.socket]):
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        pulse = Pulse(ends[0], process.pid)
        found = []
        for second in range(6):
            found.append(pulse.is_still(float(second)))
            used = _ticks(process.pid)
            while _ticks(process.pid) == used:
                pass
        process.kill()
    assert not any(found)


def test_one_whose_link_is_closed_is_nobodys_to_judge(ends: tuple[socket.socket, socket.socket]):
    pulse = Pulse(ends[0], os.getpid())
    pulse.is_still(0.0)
    ends[1].close()
    assert not pulse.is_still(100.0)
    pulse.close()


def _ticks(pid: int) -> int:
    with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
        return sum(map(int, file.read().rpartition(")")[2].split()[11:13]))
