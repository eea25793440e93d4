"""Memory that is really free to this process, and what a step of training needs of it.

A CPU raises nothing when memory runs out: the kernel ends the process. So what a step needs is measured on small batches
and extended, before a large one is tried.
"""

import torch

from naiad.trainer.machine.device import free_memory_bytes


def free_bytes(device: str) -> int:
    """What could be allocated on ``device`` now."""
    return int(torch.cuda.mem_get_info(device)[0]) if device.startswith("cuda") else free_memory_bytes()


def largest_batch(bytes_a_sample: float, free: float, *, part: float = 0.5) -> int:
    """How many samples a step may hold when ``part`` of what is free is for it; at least one."""
    return max(1, int(free * part / max(1.0, bytes_a_sample)))
