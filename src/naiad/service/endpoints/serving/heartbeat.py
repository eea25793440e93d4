"""Heartbeat: whether a busy worker process is alive. A thread of the worker returns each byte that the server sends.

A model may block the interpreter for long, so silence alone proves nothing. A process is hung when it is silent and uses no
processor time either.
"""

import contextlib
import logging
import socket

import psutil

_LOG = logging.getLogger(__name__)
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
        self._cpu_s = 0.0
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
        cpu_s = _cpu_seconds(self._pid)
        if self._overdue_since is None or cpu_s != self._cpu_s:
            self._overdue_since, self._cpu_s = now, cpu_s
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


def _cpu_seconds(pid: int) -> float:
    """Returns the processor time of the process and of all that it has started."""
    seconds = 0.0
    with contextlib.suppress(psutil.Error):
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                seconds += times.user + times.system
    return seconds
