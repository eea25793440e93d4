"""How much a program has written into its folders, measured so seldom that it costs nothing."""

import contextlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

_BLOCK_BYTES = 512
_WALK_FRACTION = 0.05
"""The most of the time that is spent on walking through the folders."""


@dataclass
class Volume:
    """The folders of a program on one disk. What lies there when it is made does not count."""

    folders: Sequence[Path]
    limit_bytes: int
    _begin_bytes: int = field(init=False)
    _used_bytes: int = 0
    _free_bytes: int = 0
    """Room on the disk at the last walk."""
    _next_walk_at: float = 0.0

    def __post_init__(self) -> None:
        self._begin_bytes = self._walk(_free_bytes(self.folders[0]))

    def bytes_over_limit(self) -> int | None:
        """Returns the bytes written when they are more than the limit, and None otherwise.

        The folders are walked through only when the disk has lost so much room that the program may have written too much.
        """
        free_bytes, now = _free_bytes(self.folders[0]), time.monotonic()
        if now < self._next_walk_at or self._used_bytes + self._free_bytes - free_bytes <= self.limit_bytes:
            return None
        self._used_bytes = self._walk(free_bytes) - self._begin_bytes
        return self._used_bytes if self._used_bytes > self.limit_bytes else None

    def _walk(self, free_bytes: int) -> int:
        begin = time.monotonic()
        total_bytes = sum(map(_folder_bytes, self.folders))
        end = time.monotonic()
        self._free_bytes, self._next_walk_at = free_bytes, end + (end - begin) / _WALK_FRACTION
        return total_bytes


def _free_bytes(folder: Path) -> int:
    status = os.statvfs(folder)
    return status.f_bfree * status.f_frsize


def _folder_bytes(folder: Path) -> int:
    """Returns the room that a folder takes on its disk. Follows no link; what vanishes meanwhile takes none."""
    total_bytes = 0
    with contextlib.suppress(OSError):
        for _, folders, files, descriptor in os.fwalk(folder, follow_symlinks=False):
            for name in (*files, *folders):
                with contextlib.suppress(OSError):
                    status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                    total_bytes += status.st_blocks * _BLOCK_BYTES
    return total_bytes
