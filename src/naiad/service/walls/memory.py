"""The memory and the tasks that a program uses, together with all the processes that it has started."""

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_BLOCK_BYTES = 512
_KIB = 1024


@dataclass(frozen=True)
class ProcessTree:
    """A process and all its descendants, as they were at one moment."""

    pids: tuple[int, ...]
    tasks: int
    """The number of their threads; a process has at least one."""


def memory_over_limit(root_pid: int, limit_bytes: int) -> int | None:
    """Returns the bytes used when they are more than the limit, and None otherwise."""
    return tree_memory_over_limit(process_tree(root_pid), limit_bytes)


def tree_memory_over_limit(tree: ProcessTree, limit_bytes: int) -> int | None:
    """Returns the bytes used when they are more than the limit, and None otherwise.

    Memory that processes share counts once (their proportional set size). Reading that takes milliseconds, so it is read only
    when the resident sizes, in which shared memory counts for each process, are over the limit. Files that live in memory count
    although no process may have mapped them: those of /dev/shm and those of memfd.
    """
    file_bytes = _memory_file_bytes(tree.pids)
    if sum(map(_resident_bytes, tree.pids)) + file_bytes <= limit_bytes:
        return None
    sizes = [_proportional_bytes(pid) for pid in tree.pids]
    mapped_files_bytes = sum(shared for _, shared in sizes)
    used_bytes = sum(size for size, _ in sizes) + max(0, file_bytes - mapped_files_bytes)
    return used_bytes if used_bytes > limit_bytes else None


def process_tree(root_pid: int) -> ProcessTree:
    """Returns the tree below a process, each process once, even when a pid is reused meanwhile."""
    pids, queue, tasks = {root_pid}, [root_pid], 0
    while queue:
        threads, children = _threads_and_children(queue.pop())
        new = [child for child in children if child not in pids]
        pids.update(new)
        queue += new
        tasks += threads
    return ProcessTree(tuple(pids), tasks)


def _threads_and_children(pid: int) -> tuple[int, list[int]]:
    """Returns the number of threads of a process, and the children of all; none when the process has ended."""
    try:
        files = list((_PROC / str(pid) / "task").glob("*/children"))
        return len(files), [int(word) for file in files for word in file.read_text().split()]
    except OSError:
        return 0, []


def _resident_bytes(pid: int) -> int:
    try:
        return int((_PROC / str(pid) / "statm").read_text().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError):
        return 0


def _proportional_bytes(pid: int) -> tuple[int, int]:
    """Returns (proportional set size, its part in files that live in memory)."""
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return _resident_bytes(pid), 0
    sizes = {line.partition(":")[0]: int(line.split()[1]) * _KIB for line in lines if line.startswith("Pss")}
    return sizes.get("Pss", 0), sizes.get("Pss_Shmem", 0)


def _memory_file_bytes(pids: Iterable[int]) -> int:
    """Returns the size of the files in /dev/shm of the innermost process, and of the open memfd files."""
    sizes: dict[tuple[int, int], int] = {}
    for pid in pids:
        folder = _PROC / str(pid) / "fd"
        with contextlib.suppress(OSError):  # the process has ended
            for file in folder.iterdir():
                with contextlib.suppress(OSError):  # or has closed the file
                    if file.readlink().name.startswith("memfd:"):
                        status = file.stat()
                        sizes[status.st_dev, status.st_ino] = status.st_blocks * _BLOCK_BYTES
    return sum(sizes.values()) + _own_shm_bytes(pids)


def _own_shm_bytes(pids: Iterable[int]) -> int:
    """Returns what lies in the /dev/shm of a program that has one of its own; 0 for one that shares the machine's."""
    shared = Path("/dev/shm").stat().st_dev if Path("/dev/shm").is_dir() else 0  # noqa: S108  # reason: only looked at
    used: dict[int, int] = {}
    for pid in pids:
        path = _PROC / str(pid) / "root" / "dev" / "shm"
        with contextlib.suppress(OSError):
            device = path.stat().st_dev
            if device not in (shared, *used):
                status = os.statvfs(path)
                used[device] = (status.f_blocks - status.f_bfree) * status.f_frsize
    return sum(used.values())
