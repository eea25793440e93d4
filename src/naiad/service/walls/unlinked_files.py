"""The room that files without a name take on a disk: they were removed, and a process still has them open or mapped."""

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

_PROC = Path("/proc")
_BLOCK_BYTES = 512


def unlinked_bytes(pids: Iterable[int], device: int) -> int:
    """Returns their room on the disk ``device``. One that is only mapped counts as far as it is mapped."""
    sizes: dict[int, int] = {}
    for pid in pids:
        with contextlib.suppress(OSError):  # the process has ended
            for inode, size in _mapped(pid, device):
                sizes[inode] = max(size, sizes.get(inode, 0))
    for pid in pids:
        with contextlib.suppress(OSError):
            sizes.update(_open(pid, device))
    return sum(sizes.values())


def _open(pid: int, device: int) -> Iterator[tuple[int, int]]:
    """Yields (inode, bytes) of each."""
    for file in (_PROC / str(pid) / "fd").iterdir():
        with contextlib.suppress(OSError):  # it was closed
            status = file.stat()
            if status.st_dev == device and status.st_nlink == 0 and stat.S_ISREG(status.st_mode):
                yield status.st_ino, status.st_blocks * _BLOCK_BYTES


def _mapped(pid: int, device: int) -> Iterator[tuple[int, int]]:
    """Yields (inode, end of the mapped part in bytes) of each mapping."""
    for line in (_PROC / str(pid) / "maps").read_text(encoding="utf-8", errors="replace").splitlines():
        if line.endswith(" (deleted)"):
            addresses, _, offset, numbers, inode = line.split()[:5]
            first, last = (int(address, 16) for address in addresses.split("-"))
            if os.makedev(*(int(number, 16) for number in numbers.split(":"))) == device:
                yield int(inode), int(offset, 16) + last - first
