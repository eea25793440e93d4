"""Heartbeat: whether a busy worker process is alive. A thread of the worker returns each byte that the server sends.

A model may block the interpreter for long, so silence alone proves nothing. A process is hung when it is silent and uses no
processor time either.
"""

import contextlib
import functools
import itertools
import socket
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import psutil

_PROC = Path("/proc")
_USER_AND_SYSTEM = slice(11, 13)
"""Fields of /proc/PID/stat after the name, in ticks of the clock."""
_MAX_PROCESSES = 256
"""Limit of those whose time is read, in one step of the loop; a model may start thousands."""
_OVERDUE_AFTER_S = 1.0
_HUNG_AFTER_S = 2.0


class Heartbeat:
    """Used on the event loop's thread only."""

    def __init__(self, connection: socket.socket, pid: int) -> None:
        """pid: the worker process, or one that has started it."""
        connection.setblocking(False)  # noqa: FBT003  # reason: socket's signature
        self._connection, self._pid = connection, pid
        self._sent_at: float | None = None
        self._overdue_since: float | None = None
        self._cpu_ticks = 0
        """Processor time when it became overdue."""

    def is_hung(self, now: float) -> bool:
        """Sends the next beat where the last was answered. Called about once a second while the worker is busy.

        now: on the monotonic clock.
        """
        if self._sent_at is None or self._has_answer():
            self._send(now)
            return False
        if now - self._sent_at < _OVERDUE_AFTER_S:
            return False
        cpu_ticks = _cpu_ticks(self._pid)
        if self._overdue_since is None or cpu_ticks != self._cpu_ticks:
            self._overdue_since, self._cpu_ticks = now, cpu_ticks
            return False
        return now - self._overdue_since >= _HUNG_AFTER_S

    def close(self) -> None:
        self._connection.close()

    def _send(self, now: float) -> None:
        self._sent_at, self._overdue_since = now, None
        with contextlib.suppress(OSError):
            self._connection.send(b".")

    def _has_answer(self) -> bool:
        """Also True at the end of the connection: the process is lost in any case then."""
        try:
            self._connection.recv(64)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True


def _cpu_ticks(pid: int) -> int:
    """Returns the processor time of the process and of all that it has started, as far as _MAX_PROCESSES go."""
    ticks, waiting = 0, deque([pid])
    for _ in range(_MAX_PROCESSES):
        if not waiting:
            break
        one = waiting.popleft()
        with contextlib.suppress(OSError, ValueError):  # it has ended meanwhile
            fields = (_PROC / str(one) / "stat").read_bytes().rpartition(b")")[2].split()
            ticks += sum(map(int, fields[_USER_AND_SYSTEM]))
            waiting.extend(_children(one))
    return ticks


@functools.cache
def _has_child_lists() -> bool:
    """Whether this kernel lists the children of a process; without the lists all processes of the machine are looked at."""
    return Path("/proc/thread-self/children").exists()


def _children(pid: int) -> Iterator[int]:
    """Yields the processes that threads of the process have started."""
    if not _has_child_lists():
        with contextlib.suppress(psutil.Error):
            yield from (child.pid for child in psutil.Process(pid).children())
        return
    for thread in itertools.islice((_PROC / str(pid) / "task").iterdir(), _MAX_PROCESSES):
        with contextlib.suppress(OSError):
            yield from map(int, (thread / "children").read_bytes().split())
