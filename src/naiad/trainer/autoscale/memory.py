"""Memory that is free to this process, and how large a batch fits into it.

A CPU raises nothing when memory runs out: the kernel ends the process. So the need of a step is measured on small batches and
extended, before a large batch is tried.
"""

import torch

from naiad.trainer.machine.device import free_memory_bytes


def free_bytes(device: str) -> int:
    """Returns what could be allocated on ``device`` now."""
    return int(torch.cuda.mem_get_info(device)[0]) if device.startswith("cuda") else free_memory_bytes()


def largest_batch(sample_bytes: float, free: float, *, fraction: float = 0.5) -> int:
    """Returns how many samples a step may hold in ``fraction`` of what is free; at least one."""
    return max(1, int(free * fraction / max(1.0, sample_bytes)))
