"""A signal reaches its program once, also one that comes while the walls around it are built."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from naiad.service.walls.sandbox import Sandbox
from naiad.service.walls.start import start_program

WAIT = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
print("ready", flush=True)
signal.sigwait({signal.SIGTERM})
print(signal.sigtimedwait({signal.SIGTERM}, 0.5), flush=True)
"""


def start(sandbox: Sandbox, *words: str) -> "subprocess.Popen[bytes]":
    return start_program(sandbox.request(words, {}), stdout=subprocess.PIPE)


def ignores_sigterm(pid: int) -> bool:
    """Whether the outermost process waits for the ones inside."""
    ignored = Path(f"/proc/{pid}/status").read_text().partition("SigIgn:")[2].split()[0]
    return bool(int(ignored, 16) >> (signal.SIGTERM - 1) & 1)


@pytest.mark.parametrize("is_first_forked", [False, True])
def test_a_signal_before_there_is_a_program_ends_it(sandbox: Sandbox, *, is_first_forked: bool) -> None:
    """The kernel spares the first process of a namespace, so nobody would see the signal there."""
    process = start(sandbox, "/bin/sleep", "60")
    while is_first_forked and not ignores_sigterm(process.pid):
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode in (-signal.SIGTERM, 128 + signal.SIGTERM)


def test_a_signal_comes_once(sandbox: Sandbox) -> None:
    process = start(sandbox, sys.executable, "-c", WAIT)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    os.killpg(process.pid, signal.SIGTERM)
    out, _ = process.communicate(timeout=30)
    assert out == b"None\n"
