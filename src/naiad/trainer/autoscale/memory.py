"""Memory that is really free to this process, and what a step of training needs of it.

A CPU raises nothing when memory runs out: the kernel ends the process. So what a step needs is measured on small batches
and extended, before a large one is tried.
"""

import psutil
import torch

from naiad.trainer.cgroups import HERE, ControlGroups


def free_bytes(device: str, *, groups: ControlGroups = HERE) -> int:
    """What could be allocated now: the device's free memory, within the limits of the control groups."""
    if device.startswith("cuda"):
        return int(torch.cuda.mem_get_info(device)[0])
    machine = int(psutil.virtual_memory().available)
    left = groups.memory_left()
    return machine if left is None else min(machine, left)


def largest_batch(bytes_a_sample: float, free: float, *, part: float = 0.5) -> int:
    """How many samples a step may hold when ``part`` of what is free is for it; at least one."""
    return max(1, int(free * part / max(1.0, bytes_a_sample)))
