"""How much memory a program takes, with all the processes that it has started."""

import os
from pathlib import Path

_PROC = Path("/proc")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_KIB = 1024


def exceeded(root_pid: int, limit_bytes: int) -> int | None:
    """The bytes used, when they are more than the limit; None while they are not.

    What processes share counts once (their proportional set size). Reading that takes milliseconds, so it is read only when the
    resident sizes, which count it for each, are over the limit.
    """
    tree = _tree(root_pid)
    if sum(map(_resident_bytes, tree)) <= limit_bytes:
        return None
    used = sum(map(_proportional_bytes, tree))
    return used if used > limit_bytes else None


def _tree(root_pid: int) -> list[int]:
    """Each once, also when a pid is taken again meanwhile; as deep as a program cares to fork."""
    found, waiting = {root_pid}, [root_pid]
    while waiting:
        new = [child for child in _children(waiting.pop()) if child not in found]
        found.update(new)
        waiting += new
    return list(found)


def _children(pid: int) -> list[int]:
    """Of all its threads; none of one that is gone."""
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
