"""Who starts next: a pure function of who waits, who runs and what there is.

The rule. Those that wait are taken by priority (higher first), and first in, first out within one. One that fits into what is
free is placed. One that does not fit *claims* what it needs of what is free, and those behind it may have only what is left over.
So a large job is never starved by small ones behind it: what is free for it only grows until it starts. A job behind it
may start earlier where it takes nothing that the large one waits for (a CPU job behind one that waits for a GPU). Jobs of a
higher priority do overtake, without end if they keep coming. Jobs that insist on the same port run one after the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from naiad.service.domain.job import Need


@dataclass(frozen=True)
class Capacity:
    cpus: tuple[int, ...]
    memory_bytes: int
    gpus: tuple[int, ...] = ()


@dataclass(frozen=True)
class Waiting:
    job: str
    """Its ARN."""
    need: Need
    priority: int = 0
    port: int | None = None
    """One that no other job may hold at the same time."""


@dataclass(frozen=True)
class Share:
    """What one instance is given for itself."""

    cpus: tuple[int, ...]
    gpus: tuple[int, ...]


@dataclass(frozen=True)
class Placement:
    """What a job holds from its start to its end."""

    job: str
    shares: tuple[Share, ...]
    """One an instance."""
    memory_bytes: int
    """Of each instance."""
    port: int | None = None

    @property
    def cores(self) -> str:
        """For people."""
        return " and ".join(",".join(map(str, share.cpus)) for share in self.shares)


def in_order(waiting: Sequence[Waiting]) -> list[Waiting]:
    """``waiting`` is in the order of arrival."""
    return sorted(waiting, key=lambda one: -one.priority)


def place(waiting: Sequence[Waiting], running: Sequence[Placement], capacity: Capacity) -> tuple[Placement, ...]:
    """The jobs of ``waiting`` (in the order of arrival) that start now, with what each instance of them is given."""
    free = _free(capacity, running)
    ports = {placement.port for placement in running} - {None}
    placed: list[Placement] = []
    for one in in_order(waiting):
        if fits(one.need, free) and one.port not in ports:
            placed.append(_placement(one, free))
            ports |= {one.port} - {None}
        free = _less(free, one.need)
    return tuple(placed)


def fits(need: Need, free: Capacity) -> bool:
    return (
        need.cores * need.instances <= len(free.cpus)
        and need.memory_bytes * need.instances <= free.memory_bytes
        and need.gpus * need.instances <= len(free.gpus)
    )


def _free(capacity: Capacity, running: Sequence[Placement]) -> Capacity:
    """What a smaller machine than before still owes to its running jobs counts as nothing free, not as an error."""
    cpus = {cpu for placement in running for share in placement.shares for cpu in share.cpus}
    gpus = {gpu for placement in running for share in placement.shares for gpu in share.gpus}
    taken_bytes = sum(placement.memory_bytes * len(placement.shares) for placement in running)
    return Capacity(
        tuple(cpu for cpu in capacity.cpus if cpu not in cpus),
        max(0, capacity.memory_bytes - taken_bytes),
        tuple(gpu for gpu in capacity.gpus if gpu not in gpus),
    )


def _less(free: Capacity, need: Need) -> Capacity:
    """Taken by a job that starts, or claimed by one that waits: at most what is free."""
    return Capacity(
        free.cpus[need.cores * need.instances :],
        max(0, free.memory_bytes - need.memory_bytes * need.instances),
        free.gpus[need.gpus * need.instances :],
    )


def _placement(one: Waiting, free: Capacity) -> Placement:
    need = one.need
    shares = tuple(
        Share(_slice(free.cpus, index, need.cores), _slice(free.gpus, index, need.gpus))
        for index in range(need.instances)
    )
    return Placement(one.job, shares, need.memory_bytes, one.port)


def _slice(ids: tuple[int, ...], index: int, size: int) -> tuple[int, ...]:
    return ids[index * size : (index + 1) * size]
