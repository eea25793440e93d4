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
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as popen:
        yield popen
        popen.kill()


def test_a_process_is_recognised(child: "subprocess.Popen[bytes]") -> None:
    process = Process.find(child.pid)
    assert process is not None
    assert process.is_alive
    assert Process.find(child.pid) == process
    assert Process.find(os.getpid()) != process


def test_a_zombie_counts_as_ended(child: "subprocess.Popen[bytes]") -> None:
    process = Process.find(child.pid)
    assert process is not None
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not process.is_alive
    assert Process.find(child.pid) is None


@pytest.mark.parametrize("other", [{"start_ticks": "1"}, {"boot_id": "before"}])
def test_another_process_with_the_same_pid_gets_no_signal(
    child: "subprocess.Popen[bytes]", other: dict[str, str]
) -> None:
    process = Process.find(child.pid)
    assert process is not None
    earlier = replace(process, **other)
    assert not earlier.is_alive
    earlier.signal(signal.SIGKILL)
    assert child.poll() is None
    process.signal(signal.SIGKILL)
    assert child.wait(10) == -signal.SIGKILL


def test_a_name_with_parentheses_and_spaces() -> None:
    code = "import ctypes; ctypes.CDLL(None).prctl(15, b'a) Z 1 (b', 0, 0, 0); print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as named:
        assert named.stdout is not None
        named.stdout.readline()
        process = Process.find(named.pid)
        named.kill()
    assert process is not None
    assert process.start_ticks.isdigit()


def test_a_signal_to_an_ended_process_does_nothing() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    process = Process.find(ended.pid)
    ended.wait()
    assert process is not None
    process.signal(signal.SIGTERM)
