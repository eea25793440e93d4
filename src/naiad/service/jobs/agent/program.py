"""Follows the program: its lines into the log, its end on time, and all of it gone when the agent is gone."""

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from naiad.service.executors.files import write_json
from naiad.service.executors.process import Process
from naiad.service.walls.memory import exceeded
from naiad.service.walls.namespaces import die_with_parent

_LOOK_EVERY_S = 0.1
_MEMORY_EVERY_S = 0.5
_BLOCK = 65_536


class Running(Protocol):
    """A program that has been started, in a session of its own."""

    pid: int
    stdout_fd: int

    def poll(self) -> int | None: ...

    def wait(self) -> int: ...

    def close(self) -> None:
        """Its output is not read any more."""


class Ended(Enum):
    BY_ITSELF = "by itself"
    STOPPED = "asked to stop"
    OUT_OF_TIME = "its time was over"
    OUT_OF_MEMORY = "it took more memory than it was given"


@dataclass(frozen=True)
class Limits:
    max_runtime_s: float | None
    stop_timeout_s: float
    """Between SIGTERM and SIGKILL."""
    memory_bytes: int | None = None


@dataclass(frozen=True)
class End:
    status: int
    how: Ended
    used_bytes: int | None = None
    """Of memory, where that was too much."""


class Spawned:
    """A program as a new process, made by the main thread: the program dies with the thread that starts it. Raises OSError."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], *, cwd: Path, cpus: Sequence[int]) -> None:
        def prepare() -> None:
            die_with_parent()
            if cpus:
                with contextlib.suppress(OSError):
                    os.sched_setaffinity(0, cpus)

        self._process = subprocess.Popen(  # noqa: S603  # reason: what the user asked to be run
            list(words),
            env=dict(environment),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=prepare,  # noqa: PLW1509  # reason: one thread, and only system calls
        )
        assert self._process.stdout is not None
        self.pid, self.stdout_fd = self._process.pid, self._process.stdout.fileno()

    def poll(self) -> int | None:
        return self._process.poll()

    def wait(self) -> int:
        return self._process.wait()

    def close(self) -> None:
        if self._process.stdout is not None:
            self._process.stdout.close()


def follow(
    program: Running,
    *,
    folder: Path,
    limits: Limits,
    on_data: Callable[[bytes], None],
    asked_to_stop: Callable[[], bool],
) -> End:
    """Until the program has ended; children that keep its output open are not waited for, and are ended."""
    if known := Process.of(program.pid):
        write_json(folder / "program.json", asdict(known))
    try:
        return _followed(program, limits, on_data, asked_to_stop)
    finally:
        _signal_group(program.pid, signal.SIGKILL)
        program.wait()
        program.close()


def _followed(
    program: Running, limits: Limits, on_data: Callable[[bytes], None], asked_to_stop: Callable[[], bool]
) -> End:
    os.set_blocking(program.stdout_fd, False)
    watch = _Watch(program.pid, limits)
    with selectors.DefaultSelector() as selector:
        selector.register(program.stdout_fd, selectors.EVENT_READ)
        while (status := program.poll()) is None:
            if not selector.get_map():  # it has closed its output and runs on
                time.sleep(_LOOK_EVERY_S)
            elif selector.select(_LOOK_EVERY_S) and not _drain(program.stdout_fd, on_data):
                selector.unregister(program.stdout_fd)
            watch.look(asked_to_stop)
    _drain(program.stdout_fd, on_data)
    return End(status, watch.how, watch.used_bytes)


class _Watch:
    """Ends the program when it is asked to, and when it goes over its limits."""

    def __init__(self, pid: int, limits: Limits) -> None:
        self._pid, self._limits = pid, limits
        now = time.monotonic()
        self._over_at = now + limits.max_runtime_s if limits.max_runtime_s is not None else float("inf")
        self._kill_at, self._memory_at = float("inf"), now
        self.how = Ended.BY_ITSELF
        self.used_bytes: int | None = None

    def look(self, asked_to_stop: Callable[[], bool]) -> None:
        now = time.monotonic()
        if self.how is Ended.BY_ITSELF and (asked_to_stop() or now >= self._over_at):
            self.how = Ended.STOPPED if asked_to_stop() else Ended.OUT_OF_TIME
            self._kill_at = now + self._limits.stop_timeout_s
            _signal_group(self._pid, signal.SIGTERM)
        elif now >= self._kill_at:
            _signal_group(self._pid, signal.SIGKILL)
        if self._limits.memory_bytes is not None and now >= self._memory_at:
            self._memory_at = now + _MEMORY_EVERY_S
            self._look_at_memory(self._limits.memory_bytes)

    def _look_at_memory(self, limit_bytes: int) -> None:
        used = exceeded(self._pid, limit_bytes)
        if used is not None:
            self.how, self.used_bytes = Ended.OUT_OF_MEMORY, used
            _signal_group(self._pid, signal.SIGKILL)


def _drain(descriptor: int, on_data: Callable[[bytes], None]) -> bool:
    """What there is to be read. False at its end."""
    with contextlib.suppress(BlockingIOError):
        while data := os.read(descriptor, _BLOCK):
            on_data(data)
        return False
    return True


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
