import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from naiad.service.executors.process import Process


@pytest.fixture
def child() -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as started:
        yield started
        started.kill()


def test_a_process_is_known_again(child: "subprocess.Popen[bytes]") -> None:
    known = Process.of(child.pid)
    assert known is not None
    assert known.is_alive
    assert Process.of(child.pid) == known
    assert Process.of(os.getpid()) != known


def test_one_that_ended_is_gone_before_its_status_is_taken(child: "subprocess.Popen[bytes]") -> None:
    known = Process.of(child.pid)
    assert known is not None
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not known.is_alive
    assert Process.of(child.pid) is None


@pytest.mark.parametrize("other", [{"started": "1"}, {"boot": "before"}])
def test_another_with_the_same_number_is_not_signalled(child: "subprocess.Popen[bytes]", other: dict[str, str]) -> None:
    known = Process.of(child.pid)
    assert known is not None
    earlier = replace(known, **other)
    assert not earlier.is_alive
    earlier.signal(signal.SIGKILL)
    assert child.poll() is None
    known.signal(signal.SIGKILL)
    assert child.wait(10) == -signal.SIGKILL


def test_a_name_with_parentheses_and_spaces() -> None:
    code = "import ctypes; ctypes.CDLL(None).prctl(15, b'a) Z 1 (b', 0, 0, 0); print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as named:
        assert named.stdout is not None
        named.stdout.readline()
        known = Process.of(named.pid)
        named.kill()
    assert known is not None
    assert known.started.isdigit()


def test_a_signal_to_nobody_does_nothing() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    known = Process.of(gone.pid)
    gone.wait()
    assert known is not None
    known.signal(signal.SIGTERM)
