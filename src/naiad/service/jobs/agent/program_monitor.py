"""Runs a program to its end: passes its output on, holds it to its limits, and leaves nothing of it behind."""

import contextlib
import os
import selectors
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from naiad.service.executors.instance_files import PROGRAM_FILE, write_process
from naiad.service.executors.process import Process
from naiad.service.jobs.agent.program_process import ProgramProcess
from naiad.service.walls.resource_guard import UNGUARDED, USAGE_INTERVAL_S, Excess, ResourceGuard

_POLL_INTERVAL_S = 0.1
_BLOCK_BYTES = 65_536
_MAX_BLOCKS = 16
"""Blocks of output that are passed on before the limits are looked at again: a program may print faster than we read."""


class EndCause(Enum):
    BY_ITSELF = "the program ended by itself"
    STOPPED = "a stop was requested"
    TIME_LIMIT = "its time was over"
    EXCESS = "it took more of the machine than it may"


@dataclass(frozen=True)
class ProgramLimits:
    max_runtime_s: float | None
    stop_timeout_s: float
    """The time between SIGTERM and SIGKILL."""
    guard: ResourceGuard = UNGUARDED
    """Finds when it has taken too much of the machine."""


@dataclass(frozen=True)
class ProgramEnd:
    status: int
    cause: EndCause
    excess: Excess | None = None
    """The resource that it took too much of."""


def run_to_end(
    program: ProgramProcess,
    *,
    folder: Path,
    limits: ProgramLimits,
    on_data: Callable[[bytes], None],
    is_stop_requested: Callable[[], bool],
) -> ProgramEnd:
    """Returns when the program has ended. Its children that keep its output open are not waited for, and are killed.

    ``folder`` is the instance's folder, in which the identity of the process is written for the executor.
    """
    if process := Process.find(program.pid):
        write_process(folder / PROGRAM_FILE, process)
    try:
        return _monitor(program, limits, on_data, is_stop_requested)
    finally:
        _signal_group(program.pid, signal.SIGKILL)
        program.wait()
        program.close()


def _monitor(
    program: ProgramProcess,
    limits: ProgramLimits,
    on_data: Callable[[bytes], None],
    is_stop_requested: Callable[[], bool],
) -> ProgramEnd:
    os.set_blocking(program.stdout_fd, False)
    guard = _LimitGuard(program.pid, limits)
    with selectors.DefaultSelector() as selector:
        selector.register(program.stdout_fd, selectors.EVENT_READ)
        while (status := program.poll()) is None:
            if not selector.get_map():  # it has closed its output and runs on
                time.sleep(_POLL_INTERVAL_S)
            elif selector.select(_POLL_INTERVAL_S) and not _drain(program.stdout_fd, on_data):
                selector.unregister(program.stdout_fd)
            guard.check(is_stop_requested)
    _drain(program.stdout_fd, on_data)
    guard.check_end(status)
    return ProgramEnd(status, guard.cause, guard.excess)


class _LimitGuard:
    """Ends the program when a stop is requested or when it goes over its limits."""

    def __init__(self, pid: int, limits: ProgramLimits) -> None:
        self._pid, self._limits = pid, limits
        now = time.monotonic()
        self._deadline = now + limits.max_runtime_s if limits.max_runtime_s is not None else float("inf")
        self._kill_at, self._check_usage_at = float("inf"), now
        self.cause = EndCause.BY_ITSELF
        self.excess: Excess | None = None

    def check(self, is_stop_requested: Callable[[], bool]) -> None:
        now = time.monotonic()
        if self.cause is EndCause.BY_ITSELF and (is_stop_requested() or now >= self._deadline):
            self.cause = EndCause.STOPPED if is_stop_requested() else EndCause.TIME_LIMIT
            self._kill_at = now + self._limits.stop_timeout_s
            _signal_group(self._pid, signal.SIGTERM)
        elif now >= self._kill_at:
            _signal_group(self._pid, signal.SIGKILL)
        if now >= self._check_usage_at:
            self._check_usage_at = now + USAGE_INTERVAL_S
            self._end(self._limits.guard.find_excess(self._pid))

    def check_end(self, status: int) -> None:
        """Finds the cause of a program that has ended before it was measured: the kernel may have been faster."""
        if self.cause is EndCause.BY_ITSELF and status != 0:
            self._end(self._limits.guard.held_excess())

    def _end(self, excess: Excess | None) -> None:
        if excess is not None:
            self.cause, self.excess = EndCause.EXCESS, excess
            _signal_group(self._pid, signal.SIGKILL)


def _drain(descriptor: int, on_data: Callable[[bytes], None]) -> bool:
    """Passes on what can be read without waiting, as much as a pipe holds. Returns False at the end of the output."""
    with contextlib.suppress(BlockingIOError):
        for _ in range(_MAX_BLOCKS):
            data = os.read(descriptor, _BLOCK_BYTES)
            if not data:
                return False
            on_data(data)
    return True


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
