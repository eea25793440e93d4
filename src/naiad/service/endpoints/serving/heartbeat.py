"""Whether a process that is at work lives: its own thread answers each byte that it is sent, whatever the model does meanwhile.

A model may hold the interpreter for long, so that silence alone says nothing: only a process that does not use the processor
either is taken for one that stands still.
"""

import contextlib
import logging
import socket

import psutil

_LOG = logging.getLogger(__name__)
_OVERDUE_AFTER_S = 1.0
_STILL_AFTER_S = 2.0


class Pulse:
    """For the loop's thread."""

    def __init__(self, link: socket.socket, pid: int) -> None:
        """pid: of the process, or of one that has started it."""
        link.setblocking(False)  # noqa: FBT003  # reason: socket's signature
        self._link, self._pid = link, pid
        self._asked_at: float | None = None
        self._silent: tuple[float, float] | None = None
        """Since when it is overdue, and the processor time used till then."""

    def is_still(self, now: float) -> bool:
        """To be asked about once a second while there is work. now: on the monotonic clock."""
        if self._asked_at is None or self._has_answered():
            self._ask(now)
            return False
        if now - self._asked_at < _OVERDUE_AFTER_S:
            return False
        used_s = _used_s(self._pid)
        if self._silent is None or used_s != self._silent[1]:
            self._silent = (now, used_s)
            return False
        return now - self._silent[0] >= _STILL_AFTER_S

    def close(self) -> None:
        self._link.close()

    def _ask(self, now: float) -> None:
        self._asked_at, self._silent = now, None
        with contextlib.suppress(OSError):
            self._link.send(b".")

    def _has_answered(self) -> bool:
        """At its end too: then the process is lost in any case."""
        try:
            self._link.recv(64)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True


def _used_s(pid: int) -> float:
    """Of the process and all that it has started."""
    used = 0.0
    with contextlib.suppress(psutil.Error):
        first = psutil.Process(pid)
        for process in (first, *first.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                used += times.user + times.system
    return used
