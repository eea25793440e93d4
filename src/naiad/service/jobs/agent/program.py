"""Runs the program: its lines into the log, its end on time, and all of it gone when the agent is gone."""

import contextlib
import ctypes
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path

from naiad.service.executors.files import write_json
from naiad.service.executors.process import Process

_PR_SET_PDEATHSIG = 1
_LOOK_EVERY_S = 0.1
_BLOCK = 65_536
_LIBC = ctypes.CDLL(None, use_errno=True)


class Ended(Enum):
    BY_ITSELF = "by itself"
    STOPPED = "asked to stop"
    OUT_OF_TIME = "its time was over"


@dataclass(frozen=True)
class Limits:
    max_runtime_s: float | None
    stop_timeout_s: float
    """Between SIGTERM and SIGKILL."""


@dataclass(frozen=True)
class End:
    status: int
    how: Ended


def run_program(
    words: Sequence[str],
    environment: Mapping[str, str],
    *,
    folder: Path,
    cwd: Path,
    cpus: Sequence[int],
    limits: Limits,
    on_data: Callable[[bytes], None],
    asked_to_stop: Callable[[], bool],
) -> End:
    """Must be called from the main thread: the program dies with the thread that starts it. Raises OSError."""

    def prepare() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if cpus:
            with contextlib.suppress(OSError):
                os.sched_setaffinity(0, cpus)

    process = subprocess.Popen(  # noqa: S603  # reason: what the user asked to be run
        list(words),
        env=dict(environment),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=prepare,  # noqa: PLW1509  # reason: one thread, and only system calls
    )
    if known := Process.of(process.pid):
        write_json(folder / "program.json", asdict(known))
    try:
        return _followed(process, limits, on_data, asked_to_stop)
    finally:
        _signal_group(process.pid, signal.SIGKILL)
        process.wait()


def _followed(
    process: "subprocess.Popen[bytes]",
    limits: Limits,
    on_data: Callable[[bytes], None],
    asked_to_stop: Callable[[], bool],
) -> End:
    """Until the program has ended; children that keep its output open are not waited for."""
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    over_at = time.monotonic() + limits.max_runtime_s if limits.max_runtime_s is not None else float("inf")
    kill_at, how = float("inf"), Ended.BY_ITSELF
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while process.poll() is None:
            selector.select(_LOOK_EVERY_S)
            _drain(process.stdout.fileno(), on_data)
            now = time.monotonic()
            if how is Ended.BY_ITSELF and (asked_to_stop() or now >= over_at):
                how = Ended.STOPPED if asked_to_stop() else Ended.OUT_OF_TIME
                kill_at = now + limits.stop_timeout_s
                _signal_group(process.pid, signal.SIGTERM)
            elif now >= kill_at:
                _signal_group(process.pid, signal.SIGKILL)
    _drain(process.stdout.fileno(), on_data)
    return End(process.returncode, how)


def _drain(descriptor: int, on_data: Callable[[bytes], None]) -> None:
    with contextlib.suppress(BlockingIOError):
        while data := os.read(descriptor, _BLOCK):
            on_data(data)


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
