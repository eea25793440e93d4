"""How much a program has written into its folders, measured so seldom that it costs nothing."""

import contextlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from naiad.service.walls.memory import process_tree
from naiad.service.walls.unlinked_files import unlinked_bytes

_BLOCK_BYTES = 512
_WALK_FRACTION = 0.05
"""The most of the time that is spent on walking through the folders."""
_DISK_FRACTION = 0.9
"""The most of the disk's free room that one program may take."""


@dataclass
class Volume:
    """The folders of a program on one disk. What lies there when it is made does not count."""

    folders: Sequence[Path]
    limit_bytes: int | None
    """None for the limit that the disk sets. A larger limit than that is lowered to it."""
    granted_bytes: int = field(init=False)
    """The most that the program may write."""
    _begin_bytes: int = field(init=False)
    _used_bytes: int = 0
    _free_bytes: int = 0
    """The most room on the disk since the last walk: what others free does not hide what this program writes."""
    _next_walk_at: float = 0.0

    def __post_init__(self) -> None:
        free_bytes = _free_bytes(self.folders[0])
        self.granted_bytes = int(free_bytes * _DISK_FRACTION)
        if self.limit_bytes is not None:
            self.granted_bytes = min(self.granted_bytes, self.limit_bytes)
        self._begin_bytes = self._walk(free_bytes)

    def bytes_over_limit(self, root_pid: int) -> int | None:
        """Returns the bytes written when they are more than ``granted_bytes``, and None otherwise.

        The folders are walked through only when the disk has lost so much room that the program may have written too much.
        Files that have no name any more count while a process below ``root_pid`` holds them.
        """
        free_bytes, now = _free_bytes(self.folders[0]), time.monotonic()
        self._free_bytes = max(self._free_bytes, free_bytes)
        if now < self._next_walk_at or self._used_bytes + self._free_bytes - free_bytes <= self.granted_bytes:
            return None
        unlinked = unlinked_bytes(process_tree(root_pid).pids, self.folders[0].stat().st_dev)
        self._used_bytes = self._walk(free_bytes) + unlinked - self._begin_bytes
        return self._used_bytes if self._used_bytes > self.granted_bytes else None

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
