"""The memory that a program uses, together with all the processes that it has started."""

import os
from pathlib import Path

_PROC = Path("/proc")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_KIB = 1024


def memory_over_limit(root_pid: int, limit_bytes: int) -> int | None:
    """Returns the bytes used when they are more than the limit, and None otherwise.

    Memory that processes share counts once (their proportional set size). Reading that takes milliseconds, so it is read only
    when the resident sizes, in which shared memory counts for each process, are over the limit.
    """
    pids = _process_tree(root_pid)
    if sum(map(_resident_bytes, pids)) <= limit_bytes:
        return None
    used_bytes = sum(map(_proportional_bytes, pids))
    return used_bytes if used_bytes > limit_bytes else None


def _process_tree(root_pid: int) -> list[int]:
    """Returns a process and all its descendants, each once, even when a pid is reused meanwhile."""
    pids, queue = {root_pid}, [root_pid]
    while queue:
        new = [child for child in _children(queue.pop()) if child not in pids]
        pids.update(new)
        queue += new
    return list(pids)


def _children(pid: int) -> list[int]:
    """Returns the children of all threads of a process; none when the process has ended."""
    try:
        return [
            int(word) for file in (_PROC / str(pid) / "task").glob("*/children") for word in file.read_text().split()
        ]
    except OSError:
        return []


def _resident_bytes(pid: int) -> int:
    try:
        return int((_PROC / str(pid) / "statm").read_text().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError):
        return 0


def _proportional_bytes(pid: int) -> int:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return _resident_bytes(pid)
    return next((int(line.split()[1]) * _KIB for line in lines if line.startswith("Pss:")), 0)
