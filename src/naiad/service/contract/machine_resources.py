"""The resources of this machine, and the part of them that a job gets.

The rule (docs/concepts/instances.md explains it to users):

1. An instance type is a request for cores, memory and GPUs. GPUs that are not there are refused.
2. With ``fit_instances`` (the default), instances that are larger than an equal division of the whole machine are scaled down to
   it, and the job's first transition says so. Each must be left with ``MIN_MEMORY_BYTES``; where there are more instances than
   cores, each has one core, which it shares with others of the same job.
3. Without ``fit_instances``, whatever exceeds the whole machine is refused.
4. All instances of a job must fit the whole machine at once. What a job was promised when it was accepted does not change later.
"""

import os
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from naiad.service.contract.instance_types import GIB, InstanceType
from naiad.service.domain.errors import LimitExceeded
from naiad.service.domain.job import ResourceRequest

MIN_MEMORY_BYTES = GIB // 4
"""No instance is scaled down to less than this: Python with torch does not load in it."""
_SERVER_FRACTION = 0.1
"""The fraction of the memory that is kept for the server and the system."""
_CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class MachineResources:
    """The resources of a whole machine that jobs may use. Passed in, so that tests can make their own."""

    cpus: tuple[int, ...]
    """Ids of the cores that this process may use."""
    memory_bytes: int
    gpus: tuple[int, ...] = ()
    """Ids as nvidia-smi numbers them."""
    fit_instances: bool = True
    """Whether a type that is larger than the machine is scaled down; otherwise it is refused."""

    def request_for(
        self, requested: InstanceType, *, instances: int, cores: int | None = None
    ) -> tuple[ResourceRequest, str]:
        """Returns what each instance will get, and a sentence for the user when that is less than the type ("" otherwise).

        ``cores`` replaces the cores of the type and changes its memory in proportion. Raises LimitExceeded.
        """
        requested = self._with_size(requested, instances, cores)
        self._check_gpus(requested, instances)
        granted = self._scaled_down(requested, instances) if self.fit_instances else requested
        has_cores = granted.cores * instances <= len(self.cpus) or self._shares_cores(granted, instances)
        if not has_cores or granted.memory_bytes * instances > self.memory_bytes:
            raise LimitExceeded(f"{_describe(requested, instances)}; this machine has {self}")
        resources = ResourceRequest(instances, granted.cores, granted.memory_bytes, granted.gpus)
        return resources, self._message(requested, granted, instances)

    def __str__(self) -> str:
        return f"{len(self.cpus)} cores, {self.memory_bytes / GIB:.1f} GiB for jobs and {len(self.gpus)} GPUs"

    def _with_size(self, requested: InstanceType, instances: int, cores: int | None) -> InstanceType:
        if requested.is_whole_machine:
            requested = replace(
                requested,
                cores=max(1, len(self.cpus) // instances),
                memory_bytes=self.memory_bytes // instances,
                gpus=max(requested.gpus, len(self.gpus) // instances if requested.gpus else 0),
            )
        if cores is None:
            return requested
        return replace(requested, cores=cores, memory_bytes=requested.memory_bytes * cores // requested.cores)

    def _check_gpus(self, requested: InstanceType, instances: int) -> None:
        if requested.gpus * instances > len(self.gpus):
            raise LimitExceeded(
                f"{_describe(requested, instances)}; this machine has {len(self.gpus)} GPUs; "
                "use a type without GPUs, like ml.m5.xlarge"
            )

    def _scaled_down(self, requested: InstanceType, instances: int) -> InstanceType:
        granted = replace(
            requested,
            cores=min(requested.cores, max(1, len(self.cpus) // instances)),
            memory_bytes=min(requested.memory_bytes, self.memory_bytes // instances),
        )
        min_bytes = min(requested.memory_bytes, MIN_MEMORY_BYTES)
        if granted.memory_bytes < min_bytes:
            raise LimitExceeded(f"{instances} instances do not fit at once: this machine has {self}; ask for fewer")
        return granted

    def _shares_cores(self, granted: InstanceType, instances: int) -> bool:
        return self.fit_instances and granted.cores == 1 and instances > len(self.cpus)

    def _message(self, requested: InstanceType, granted: InstanceType, instances: int) -> str:
        sharing = (
            f"the {instances} instances share the {len(self.cpus)} cores of this machine, so each is slower"
            if self._shares_cores(granted, instances)
            else ""
        )
        return "; ".join(filter(None, (_scaling_message(requested, granted), sharing)))


def detect_machine_resources(*, fit_instances: bool = True) -> MachineResources:
    """Returns what this machine has: the same after a restart, whatever jobs use of it at the moment.

    Cores are those of the affinity mask, limited by the cgroup's quota. Memory is that of the machine or the cgroup's limit, less
    a tenth for the server and the system.
    """
    cpus = tuple(sorted(os.sched_getaffinity(0)))
    quota = _cgroup_cores()
    usable = cpus if quota is None else cpus[: max(1, int(quota))]
    total_bytes = min(_machine_memory_bytes(), _cgroup_memory_bytes() or _machine_memory_bytes())
    return MachineResources(usable, int(total_bytes * (1 - _SERVER_FRACTION)), _gpu_ids(), fit_instances)


def _describe(requested: InstanceType, instances: int) -> str:
    gpus = f" and {requested.gpus} GPUs" if requested.gpus else ""
    return f"{instances} × {requested.name} asks for {requested.cores} cores, {requested.memory_bytes / GIB:g} GiB{gpus} each"


def _scaling_message(requested: InstanceType, granted: InstanceType) -> str:
    if granted == requested:
        return ""
    return (
        f"{requested.name} has {requested.cores} cores and {requested.memory_bytes / GIB:g} GiB: scaled down to this machine's "
        f"{granted.cores} cores and {granted.memory_bytes / GIB:.1f} GiB for each instance"
    )


def _machine_memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _cgroup_cores() -> float | None:
    limits = [_quota_cores(text) for text in _cgroup_texts("cpu.max")]
    return min((limit for limit in limits if limit is not None), default=None)


def _quota_cores(text: str) -> float | None:
    quota, _, period = text.partition(" ")
    return None if quota == "max" else int(quota) / int(period)


def _cgroup_memory_bytes() -> int | None:
    limits = [int(text) for text in _cgroup_texts("memory.max") if text != "max"]
    return min(limits, default=None)


def _cgroup_texts(name: str) -> list[str]:
    """Returns the file ``name`` of this process's cgroup (version 2) and of all its parents; empty without cgroups."""
    try:
        lines = Path("/proc/self/cgroup").read_text("utf-8").splitlines()
    except OSError:
        return []
    inner = next((line.removeprefix("0::").strip("/") for line in lines if line.startswith("0::")), "")
    folders = [_CGROUPS / inner, *(_CGROUPS / inner).parents] if inner else [_CGROUPS]
    files = [folder / name for folder in folders if folder.is_relative_to(_CGROUPS)]
    return [file.read_text("utf-8").strip() for file in files if file.is_file()]


def _gpu_ids() -> tuple[int, ...]:
    """Asks nvidia-smi. Returns an empty tuple when it is missing or fails."""
    command = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)  # noqa: S603 - a constant command
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(int(line) for line in done.stdout.split())
