"""Decides which jobs start next: a pure function of the waiting jobs, the running jobs and the machine.

The rule: waiting jobs are taken by priority (higher first), and first in, first out within a priority. A job that fits into what
is free is placed. A job that does not fit *claims* what it needs of what is free, and the jobs behind it may only use the rest.
So small jobs never starve a large one: what is free for it only grows until it starts. A job behind it may start earlier when it
takes nothing that the large one waits for (a CPU job behind one that waits for a GPU). Jobs of a higher priority do overtake, as
long as they keep coming. Jobs that need the same port run one after the other.

Instances of one core each may be more than the machine has cores: then the job takes the whole machine, and they share its cores.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from naiad.service.domain.job import ResourceRequest


@dataclass(frozen=True)
class Capacity:
    """Resources that are there or free."""

    cpus: tuple[int, ...]
    memory_bytes: int
    gpus: tuple[int, ...] = ()


@dataclass(frozen=True)
class WaitingJob:
    arn: str
    resources: ResourceRequest
    priority: int = 0
    port: int | None = None
    """A port that no other job may use at the same time."""


@dataclass(frozen=True)
class CoreAllocation:
    """The cores and GPUs that one instance has for itself."""

    cpus: tuple[int, ...]
    gpus: tuple[int, ...]


@dataclass(frozen=True)
class Placement:
    """The resources that a job holds from its start to its end."""

    arn: str
    allocations: tuple[CoreAllocation, ...]
    """One for each instance."""
    memory_bytes: int
    """The memory of each instance."""
    port: int | None = None

    @property
    def cores_text(self) -> str:
        """The cores, for people."""
        return " and ".join(",".join(map(str, allocation.cpus)) for allocation in self.allocations)


def placement_order(waiting: Sequence[WaitingJob]) -> list[WaitingJob]:
    """``waiting`` is in the order of arrival."""
    return sorted(waiting, key=lambda job: -job.priority)


def place_jobs(
    waiting: Sequence[WaitingJob], running: Sequence[Placement], capacity: Capacity
) -> tuple[Placement, ...]:
    """Returns the placements of the jobs that start now. ``waiting`` is in the order of arrival."""
    free = _free_capacity(capacity, running)
    ports = {placement.port for placement in running} - {None}
    placements: list[Placement] = []
    for job in placement_order(waiting):
        cores = needed_cores(job.resources, capacity)
        if fits(job.resources, free, cores=cores) and job.port not in ports:
            placements.append(_place(job, free, cores=cores))
            ports |= {job.port} - {None}
        free = _subtract(free, job.resources, cores=cores)
    return tuple(placements)


def needed_cores(resources: ResourceRequest, machine: Capacity) -> int:
    """Returns the cores that all instances together take of the whole machine."""
    cores = resources.cores * resources.instances
    return min(cores, len(machine.cpus)) if resources.cores == 1 else cores


def fits(resources: ResourceRequest, free: Capacity, *, cores: int) -> bool:
    """``cores`` are those of all instances together."""
    return (
        cores <= len(free.cpus)
        and resources.memory_bytes * resources.instances <= free.memory_bytes
        and resources.gpus * resources.instances <= len(free.gpus)
    )


def _free_capacity(capacity: Capacity, running: Sequence[Placement]) -> Capacity:
    """Returns what running jobs leave. On a machine that has become smaller they may hold more than there is: then nothing."""
    cpus = {cpu for placement in running for allocation in placement.allocations for cpu in allocation.cpus}
    gpus = {gpu for placement in running for allocation in placement.allocations for gpu in allocation.gpus}
    used_bytes = sum(placement.memory_bytes * len(placement.allocations) for placement in running)
    return Capacity(
        tuple(cpu for cpu in capacity.cpus if cpu not in cpus),
        max(0, capacity.memory_bytes - used_bytes),
        tuple(gpu for gpu in capacity.gpus if gpu not in gpus),
    )


def _subtract(free: Capacity, resources: ResourceRequest, *, cores: int) -> Capacity:
    """Returns what is left when a starting job takes its resources, or a waiting one claims them: at least nothing."""
    return Capacity(
        free.cpus[cores:],
        max(0, free.memory_bytes - resources.memory_bytes * resources.instances),
        free.gpus[resources.gpus * resources.instances :],
    )


def _place(job: WaitingJob, free: Capacity, *, cores: int) -> Placement:
    """Each instance has cores of its own, unless there are fewer cores than instances."""
    resources = job.resources
    allocations = tuple(
        CoreAllocation(
            _slice(free.cpus[:cores], index % (cores // resources.cores), resources.cores),
            _slice(free.gpus, index, resources.gpus),
        )
        for index in range(resources.instances)
    )
    return Placement(job.arn, allocations, resources.memory_bytes, job.port)


def _slice(ids: tuple[int, ...], index: int, size: int) -> tuple[int, ...]:
    return ids[index * size : (index + 1) * size]
