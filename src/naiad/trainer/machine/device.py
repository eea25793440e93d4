"""What this machine offers to a run: a device, threads, number formats."""

import os
from pathlib import Path

import psutil
import torch

from naiad.trainer.machine.cgroups import HERE, ControlGroups


def best_device() -> str:
    """``cuda`` or ``mps`` where torch sees one, else ``cpu``."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def usable_cores(*, groups: ControlGroups = HERE) -> int:
    """Cores that this process may use: its affinity, within its control groups' and what torch was told (OMP_NUM_THREADS)."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    quota = groups.cores()
    return max(1, min(cores, torch.get_num_threads(), int(quota) if quota is not None else cores))


def free_memory_bytes(*, groups: ControlGroups = HERE) -> int:
    """What this process could take of the machine's memory now, within the limits of its control groups."""
    available, left = int(psutil.virtual_memory().available), groups.memory_left()
    return available if left is None else min(available, left)


def has_bf16(device: str) -> bool:
    """True where the hardware multiplies bf16 itself; elsewhere torch imitates it, slower than fp32."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device == "cpu" and bool({"amx_bf16", "avx512_bf16"} & cpu_flags())


def cpu_flags() -> frozenset[str]:
    """The processor's features as Linux names them; empty on other systems."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return frozenset()
    lines = [line for line in text.splitlines() if line.startswith("flags")]
    return frozenset(lines[0].partition(":")[2].split()) if lines else frozenset()
