"""The file of a log: whole lines, appended while the disk has room for them. A line that finds none is left out and counted.

A log that cannot be written must not end its program, and must not take the room that others need: the lines of a program are
the least of what a full disk may lose.
"""

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

from naiad import disk_room

_CHECK_BYTES = 65_536
"""The room on the disk is looked at after so many bytes."""
_RETRY_S = 0.5
"""While the disk is full, it is looked at so often."""


class LogOutput:
    def __init__(self, path: Path, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._path, self._clock_s = path, clock_s
        self._descriptor: int | None = None
        self._unchecked_bytes = _CHECK_BYTES
        self._retry_at_s = 0.0
        self._lost_lines = 0
        with contextlib.suppress(OSError):  # it is opened again for each line
            self._open()

    def write(self, line: bytes) -> int:
        """Appends ``<epoch ms> <text>`` with its newline, or nothing. Returns the bytes written. Never raises."""
        if self._lost_lines and self._clock_s() < self._retry_at_s:
            self._lost_lines += 1
            return 0
        try:
            descriptor = self._open()
            self._check_room(descriptor, len(line))
            missing = self._missing_line(line)
            _append(descriptor, missing + line)
        except OSError:
            self._lost_lines += 1
            self._unchecked_bytes = _CHECK_BYTES
            self._retry_at_s = self._clock_s() + _RETRY_S
            return 0
        self._lost_lines = 0
        return len(missing) + len(line)

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        if self._descriptor is None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
            self._descriptor = os.open(self._path, flags, 0o666)
        return self._descriptor

    def _check_room(self, descriptor: int, size: int) -> None:
        """Raises OSError of a full disk."""
        self._unchecked_bytes += size
        if self._unchecked_bytes >= _CHECK_BYTES:
            disk_room.check_log_margin(descriptor)
            self._unchecked_bytes = 0

    def _missing_line(self, line: bytes) -> bytes:
        """Returns the line that says how many are missing before ``line``."""
        if not self._lost_lines:
            return b""
        stamp = line.partition(b" ")[0].decode()
        lines = "1 line is" if self._lost_lines == 1 else f"{self._lost_lines:,} lines are"
        return (
            f"{stamp} naiad: {lines} missing here, because the log could not be written (is the disk full?)\n".encode()
        )


def _append(descriptor: int, data: bytes) -> None:
    """Appends all of it or nothing. Raises OSError."""
    size = os.fstat(descriptor).st_size
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, size)
        raise
