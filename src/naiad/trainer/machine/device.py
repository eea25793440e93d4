"""The device, cores, memory and number formats that this machine offers to a run."""

import os
from pathlib import Path

import psutil
import torch

from naiad.errors import OptionError, describe_error, describe_value
from naiad.trainer.machine.cgroups import CURRENT_PROCESS, ControlGroups

_BF16_FLAGS = frozenset({"amx_bf16", "avx512_bf16", "bf16"})
"""Linux's names of the units, on x86 and on Arm."""
_ISAS_WITHOUT_BF16 = frozenset({"SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX512_CORE", "AVX512_CORE_VNNI"})
"""Values of ONEDNN_MAX_CPU_ISA, from oneDNN's documentation of its CPU dispatcher."""


def best_device() -> str:
    """``cuda`` or ``mps`` where torch sees one, else ``cpu``."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def check_device(name: str | None) -> None:
    """Raises OptionError for a device that torch does not know, or that is not there; None and ``cpu`` always are."""
    if name in (None, "cpu"):
        return
    try:
        torch.zeros(1, device=name).item()
    except Exception as error:  # reason: each kind of device fails in its own way
        known = "cpu" if best_device() == "cpu" else f"{best_device()} and cpu"
        raise OptionError(
            f"the device {describe_value(name)} cannot be used here: {describe_error(error)}",
            hint=f"this machine has {known}; leave device out to have the fastest chosen",
        ) from error


def usable_cores(*, groups: ControlGroups = CURRENT_PROCESS) -> int:
    """Cores that this process may use, at least 1.

    The smallest of its processor affinity, the quota of its control groups, and torch's threads (OMP_NUM_THREADS).
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    quota = groups.core_quota()
    return max(1, min(cores, torch.get_num_threads(), int(quota) if quota is not None else cores))


def free_memory_bytes(*, groups: ControlGroups = CURRENT_PROCESS) -> int:
    """Memory of the machine that this process could take now, within the limits of its control groups."""
    available, left = int(psutil.virtual_memory().available), groups.memory_left_bytes()
    return available if left is None else min(available, left)


def has_bf16(device: str) -> bool:
    """Whether the hardware multiplies bf16 itself; elsewhere torch imitates it, slower than fp32."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device == "cpu" and bool(_BF16_FLAGS & cpu_flags()) and not _is_capped_below_bf16()


def cpu_flags() -> frozenset[str]:
    """The processor's features as Linux names them; empty on other systems."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return frozenset()
    lines = [line for line in text.splitlines() if line.startswith(("flags", "Features"))]
    return frozenset(lines[0].partition(":")[2].split()) if lines else frozenset()


def _is_capped_below_bf16() -> bool:
    """Whether an environment variable keeps torch or oneDNN from instructions that the processor has."""
    cap = os.environ.get("ONEDNN_MAX_CPU_ISA", os.environ.get("DNNL_MAX_CPU_ISA", "")).upper()
    is_x86 = "avx512f" in cpu_flags()
    is_torch_capped = is_x86 and not torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    return is_torch_capped or cap in _ISAS_WITHOUT_BF16
