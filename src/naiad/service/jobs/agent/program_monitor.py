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
from naiad.service.walls.control_group import ControlGroup
from naiad.service.walls.memory import process_tree, tree_memory_over_limit
from naiad.service.walls.volume import Volume

_POLL_INTERVAL_S = 0.1
_USAGE_INTERVAL_S = 0.5
_MOST_TASKS_FRACTION = 0.95
"""A program is ended so near to the number of tasks that it may have: the last ones are never started."""
_BLOCK_BYTES = 65_536


class EndCause(Enum):
    BY_ITSELF = "the program ended by itself"
    STOPPED = "a stop was requested"
    TIME_LIMIT = "its time was over"
    MEMORY_LIMIT = "it used more memory than it was given"
    TASK_LIMIT = "it started more processes and threads than it may"
    DISK_LIMIT = "it wrote more than its volume holds"


@dataclass(frozen=True)
class ProgramLimits:
    max_runtime_s: float | None
    stop_timeout_s: float
    """The time between SIGTERM and SIGKILL."""
    memory_bytes: int | None = None
    tasks: int | None = None
    """The most processes and threads."""
    volume: Volume | None = None
    """Its folders, and how much it may write there."""
    control_group: ControlGroup | None = None
    """The group that holds it to memory and tasks; None where the machine allows none."""


@dataclass(frozen=True)
class ProgramEnd:
    status: int
    cause: EndCause
    used_bytes: int | None = None
    """The memory in use, or what was written, when that was over the limit."""


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
    return ProgramEnd(status, guard.cause, guard.used_bytes)


class _LimitGuard:
    """Ends the program when a stop is requested or when it goes over its limits."""

    def __init__(self, pid: int, limits: ProgramLimits) -> None:
        self._pid, self._limits = pid, limits
        now = time.monotonic()
        self._deadline = now + limits.max_runtime_s if limits.max_runtime_s is not None else float("inf")
        self._kill_at, self._check_usage_at = float("inf"), now
        self.cause = EndCause.BY_ITSELF
        self.used_bytes: int | None = None

    def check(self, is_stop_requested: Callable[[], bool]) -> None:
        now = time.monotonic()
        if self.cause is EndCause.BY_ITSELF and (is_stop_requested() or now >= self._deadline):
            self.cause = EndCause.STOPPED if is_stop_requested() else EndCause.TIME_LIMIT
            self._kill_at = now + self._limits.stop_timeout_s
            _signal_group(self._pid, signal.SIGTERM)
        elif now >= self._kill_at:
            _signal_group(self._pid, signal.SIGKILL)
        if now >= self._check_usage_at:
            self._check_usage_at = now + _USAGE_INTERVAL_S
            self._check_usage()

    def check_end(self, status: int) -> None:
        """Finds the cause of a program that has ended before it was measured: the kernel may have been faster."""
        group = self._limits.control_group
        if self.cause is EndCause.BY_ITSELF and status != 0 and group is not None:
            if group.was_out_of_memory:
                self.cause, self.used_bytes = EndCause.MEMORY_LIMIT, self._limits.memory_bytes
            elif group.was_out_of_tasks:
                self.cause = EndCause.TASK_LIMIT

    def _check_usage(self) -> None:
        limits = self._limits
        if limits.memory_bytes is not None or limits.tasks is not None:
            tree = process_tree(self._pid)
            if limits.tasks is not None and tree.tasks >= limits.tasks * _MOST_TASKS_FRACTION:
                self._end(EndCause.TASK_LIMIT)
            elif limits.memory_bytes is not None and (used := tree_memory_over_limit(tree, limits.memory_bytes)):
                self._end(EndCause.MEMORY_LIMIT, used)
            elif limits.control_group is not None and limits.control_group.was_out_of_memory:
                self._end(EndCause.MEMORY_LIMIT, limits.memory_bytes)
        if limits.volume is not None and (used := limits.volume.bytes_over_limit()):
            self._end(EndCause.DISK_LIMIT, used)

    def _end(self, cause: EndCause, used_bytes: int | None = None) -> None:
        self.cause, self.used_bytes = cause, used_bytes
        _signal_group(self._pid, signal.SIGKILL)


def _drain(descriptor: int, on_data: Callable[[bytes], None]) -> bool:
    """Passes on what can be read without waiting. Returns False at the end of the output."""
    with contextlib.suppress(BlockingIOError):
        while data := os.read(descriptor, _BLOCK_BYTES):
            on_data(data)
        return False
    return True


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
