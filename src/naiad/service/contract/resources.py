"""What this machine can promise to jobs, and how much of it a job asks for.

The rule (docs/concepts/instances.md tells it to users):

1. An instance type is a wish for cores and memory, and a demand for GPUs. GPUs that are not there are refused.
2. Where ``fit_instances`` is on (the default), instances that are larger than their equal share of the whole machine are scaled
   down to that share, and the job's first transition says so. Each must be left with a core and ``LEAST_MEMORY_BYTES``.
3. Where it is off, whatever exceeds the whole machine is refused.
4. All instances of a job must fit the whole machine at once, and what a job asked for when it was accepted stays its need.
"""

import os
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from naiad.service.contract.instance_types import GIB, InstanceType
from naiad.service.domain.errors import DoesNotFit
from naiad.service.domain.job import Need

LEAST_MEMORY_BYTES = GIB // 4
"""Less than this no instance is scaled down to: Python with torch does not load in it."""
_SERVER_SHARE = 0.1
_CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Resources:
    """A whole machine, as far as it is for jobs. Passed in: tests make their own."""

    cpus: tuple[int, ...]
    """Ids of the cores, those that this process may use."""
    memory_bytes: int
    gpus: tuple[int, ...] = ()
    """Ids as nvidia-smi counts them."""
    fit_instances: bool = True
    """Off: a type that is larger than the machine is refused, never scaled down."""

    def need(self, asked: InstanceType, *, instances: int, cores: int | None = None) -> tuple[Need, str]:
        """What each instance will be promised, and a sentence for the user where that is less than the type ("" where not).

        ``cores`` None is the type's; a number takes memory along in proportion. Raises DoesNotFit.
        """
        asked = self._sized(asked, instances, cores)
        self._check_gpus(asked, instances)
        granted = self._share_of_machine(asked, instances) if self.fit_instances else asked
        if granted.cores * instances > len(self.cpus) or granted.memory_bytes * instances > self.memory_bytes:
            raise DoesNotFit(f"{_wish(asked, instances)}; this machine has {self}")
        return Need(instances, granted.cores, granted.memory_bytes, granted.gpus), _scaled_message(asked, granted)

    def __str__(self) -> str:
        return f"{len(self.cpus)} cores, {self.memory_bytes / GIB:.1f} GiB for jobs and {len(self.gpus)} GPUs"

    def _sized(self, asked: InstanceType, instances: int, cores: int | None) -> InstanceType:
        if asked.is_whole_machine:
            asked = replace(
                asked,
                cores=max(1, len(self.cpus) // instances),
                memory_bytes=self.memory_bytes // instances,
                gpus=max(asked.gpus, len(self.gpus) // instances if asked.gpus else 0),
            )
        if cores is None:
            return asked
        return replace(asked, cores=cores, memory_bytes=asked.memory_bytes * cores // asked.cores)

    def _check_gpus(self, asked: InstanceType, instances: int) -> None:
        if asked.gpus * instances > len(self.gpus):
            raise DoesNotFit(
                f"{_wish(asked, instances)}; this machine has {len(self.gpus)} GPUs; take a type without, like ml.m5.xlarge"
            )

    def _share_of_machine(self, asked: InstanceType, instances: int) -> InstanceType:
        granted = replace(
            asked,
            cores=min(asked.cores, len(self.cpus) // instances),
            memory_bytes=min(asked.memory_bytes, self.memory_bytes // instances),
        )
        least_bytes = min(asked.memory_bytes, LEAST_MEMORY_BYTES)
        if granted.cores < 1 or granted.memory_bytes < least_bytes:
            raise DoesNotFit(f"{instances} instances do not fit at once: this machine has {self}; ask for fewer")
        return granted


def of_this_machine(*, fit_instances: bool = True) -> Resources:
    """Cores: the affinity, cut to the cgroup's quota. Memory: the machine's or the cgroup's limit less a tenth for the server and
    the system. It is what the machine has, not what is free just now: the same after a restart while jobs run.
    """
    cpus = tuple(sorted(os.sched_getaffinity(0)))
    quota = _cgroup_cores()
    usable = cpus if quota is None else cpus[: max(1, int(quota))]
    total = min(_machine_memory_bytes(), _cgroup_memory_bytes() or _machine_memory_bytes())
    return Resources(usable, int(total * (1 - _SERVER_SHARE)), _gpu_ids(), fit_instances)


def _wish(asked: InstanceType, instances: int) -> str:
    gpus = f" and {asked.gpus} GPUs" if asked.gpus else ""
    return f"{instances} × {asked.name} asks for {asked.cores} cores, {asked.memory_bytes / GIB:g} GiB{gpus} each"


def _scaled_message(asked: InstanceType, granted: InstanceType) -> str:
    if granted == asked:
        return ""
    return (
        f"{asked.name} has {asked.cores} cores and {asked.memory_bytes / GIB:g} GiB: scaled down to this machine's "
        f"{granted.cores} cores and {granted.memory_bytes / GIB:.1f} GiB for each instance"
    )


def _machine_memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _cgroup_cores() -> float | None:
    limits = [_quota(text) for text in _cgroup_texts("cpu.max")]
    return min((limit for limit in limits if limit is not None), default=None)


def _quota(text: str) -> float | None:
    quota, _, period = text.partition(" ")
    return None if quota == "max" else int(quota) / int(period)


def _cgroup_memory_bytes() -> int | None:
    limits = [int(text) for text in _cgroup_texts("memory.max") if text != "max"]
    return min(limits, default=None)


def _cgroup_texts(name: str) -> list[str]:
    """The file of this process's group (version 2) and of every group around it; none where there are no groups."""
    try:
        lines = Path("/proc/self/cgroup").read_text("utf-8").splitlines()
    except OSError:
        return []
    inner = next((line.removeprefix("0::").strip("/") for line in lines if line.startswith("0::")), "")
    folders = [_CGROUPS / inner, *(_CGROUPS / inner).parents] if inner else [_CGROUPS]
    files = [folder / name for folder in folders if folder.is_relative_to(_CGROUPS)]
    return [file.read_text("utf-8").strip() for file in files if file.is_file()]


def _gpu_ids() -> tuple[int, ...]:
    """By nvidia-smi; none where it is missing or fails."""
    command = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)  # noqa: S603 - a constant command
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(int(line) for line in answer.stdout.split())
