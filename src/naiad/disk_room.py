"""Room on a disk: a margin that is left free, and a reserve for what must always work. The standard library only.

Objects, log lines and caches leave the margin of a disk alone. What else fills a disk, a program or a stranger, meets the
reserve: a file of the state folder that gives its room to the database and to deletions, and is made again when there is room.
"""

import contextlib
import errno
import os
from pathlib import Path

FILE_NAME = "reserve"
_RESERVE_BYTES = 4 * 2**20
"""The room of many transactions, each of which needs a few pages. On a small disk it is half of the margin."""
_MARGIN_BYTES = 16 * 2**20
_MARGIN_DIVISOR = 64
"""A small disk keeps a 64th of itself free."""
_LOG_MARGIN_BYTES = 256 * 2**20
_LOG_MARGIN_DIVISOR = 32
"""Log lines stop long before objects do, so that a program that prints takes no room from others."""
_LOG_DIVISOR = 16
"""The log of one instance may take a sixteenth of the disk."""


def margin_bytes(place: Path | int) -> int:
    """Returns the room that objects leave free on the disk of a folder or of an open file. Raises OSError."""
    disk = os.statvfs(place)
    return min(_MARGIN_BYTES, disk.f_blocks * disk.f_frsize // _MARGIN_DIVISOR)


def log_quota_bytes(place: Path, most: int) -> int:
    """Returns how much one log may take on the disk of a folder: ``most``, or less on a small disk."""
    with contextlib.suppress(OSError):
        disk = os.statvfs(place)
        return min(most, max(1, disk.f_blocks * disk.f_frsize // _LOG_DIVISOR))
    return most


def free_bytes(place: Path | int) -> int:
    """Returns the free room that every user may take. Raises OSError."""
    disk = os.statvfs(place)
    return disk.f_bavail * disk.f_frsize


def check_margin(place: Path | int) -> None:
    """Raises OSError of a full disk where less than the margin is free."""
    _check(place, _MARGIN_BYTES, _MARGIN_DIVISOR)


def check_log_margin(place: Path | int) -> None:
    """Raises OSError of a full disk where less is free than log lines leave."""
    _check(place, _LOG_MARGIN_BYTES, _LOG_MARGIN_DIVISOR)


def _check(place: Path | int, most_bytes: int, divisor: int) -> None:
    disk = os.statvfs(place)
    free, total = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
    if total and free < min(most_bytes, total // divisor):
        raise OSError(
            errno.ENOSPC, f"{free:,} bytes are left on the disk, which are kept for the database and deletions"
        )


class DiskReserve:
    """Safe for threads: of two that release or make it at once, both find it done."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._path = folder, folder / FILE_NAME

    @property
    def is_there(self) -> bool:
        with contextlib.suppress(OSError):
            return self._path.stat().st_size > 0
        return False

    def release(self) -> bool:
        """Gives the room to whoever writes next. Returns False where it was given before."""
        if not self.is_there:
            return False
        with contextlib.suppress(OSError):
            self._path.unlink()
            return True
        return False

    def check(self) -> None:
        """Releases the reserve where less than half of the margin is free, and makes it where more than twice of it is."""
        with contextlib.suppress(OSError):
            free, margin = free_bytes(self._folder), margin_bytes(self._folder)
            if free < margin // 2:
                self.release()
            elif free > 2 * margin and not self.is_there:
                self._make(min(_RESERVE_BYTES, margin // 2))

    def _make(self, size: int) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, size)
        except OSError:
            self._path.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)
