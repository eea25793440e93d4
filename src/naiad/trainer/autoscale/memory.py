"""Memory that is really free to this process, and what a step of training needs of it.

A CPU raises nothing when memory runs out: the kernel ends the process. So what a step needs is measured on small batches
and extended, before a large one is tried.
"""

from pathlib import Path

import psutil
import torch

_CGROUP = Path("/sys/fs/cgroup")


def free_bytes(device: str, *, cgroup: Path = _CGROUP) -> int:
    """What could be allocated now: the device's free memory, within the control group's limit (versions 1 and 2)."""
    if device.startswith("cuda"):
        return int(torch.cuda.mem_get_info(device)[0])
    machine = int(psutil.virtual_memory().available)
    group = _group_left(cgroup)
    return machine if group is None else min(machine, group)


def largest_batch(bytes_a_sample: float, free: int, *, part: float = 0.5) -> int:
    """How many samples a step may hold when ``part`` of what is free is for it; at least one."""
    return max(1, int(free * part / max(1.0, bytes_a_sample)))


def _group_left(cgroup: Path) -> int | None:
    limit = _number(cgroup / "memory.max") or _number(cgroup / "memory" / "memory.limit_in_bytes")
    used = _number(cgroup / "memory.current") or _number(cgroup / "memory" / "memory.usage_in_bytes")
    if limit is None or used is None or limit >= 1 << 60:  # version 1 writes a huge number for no limit
        return None
    return max(0, limit - used + _reclaimable(cgroup))


def _reclaimable(cgroup: Path) -> int:
    """Bytes of cached files: counted as used, given back when asked for."""
    for path in (cgroup / "memory.stat", cgroup / "memory" / "memory.stat"):
        try:
            lines = path.read_text(encoding="ascii").splitlines()
        except OSError:
            continue
        counts = dict(line.split() for line in lines if len(line.split()) == 2)
        return int(counts.get("inactive_file", counts.get("total_inactive_file", 0)))
    return 0


def _number(path: Path) -> int | None:
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None
