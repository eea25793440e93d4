"""Limits of what a program may use, and the guard that finds when it has taken more.

A control group holds memory, tasks and cores where the machine allows one; elsewhere memory and tasks are measured. What is
written to the disk is always measured. Whoever runs the program asks the guard about twice a second, and ends the program.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from naiad.service.walls.control_group import ControlGroup
from naiad.service.walls.memory import process_tree, tree_memory_over_limit
from naiad.service.walls.volume import Volume

GIB = 2**30
NO_CONTROL_GROUP = "no control group can be made here: the program's memory and tasks are measured twice a second"
USAGE_INTERVAL_S = 0.5
"""The time between two looks at what a program uses."""
_DIGEST_CHARS = 16
_TASKS, _TASKS_PER_CORE = 2048, 512
_MOST_TASKS_FRACTION = 0.95
"""A measured program is ended so near to the number of tasks that it may have: the last ones are never started."""


class Resource(Enum):
    MEMORY = "memory"
    TASKS = "processes and threads"
    DISK = "disk"


@dataclass(frozen=True)
class ResourceLimits:
    """Limits of a program; None is without a limit."""

    memory_bytes: int | None = None
    tasks: int | None = None
    """The most processes and threads at once."""
    volume_bytes: int | None = None
    """The most that it may write; None is what the disk allows."""
    cpus: tuple[int, ...] = ()
    """Ids of its cores; () for all."""


NO_LIMITS = ResourceLimits()


@dataclass(frozen=True)
class Excess:
    """A resource of which a program has taken more than it may. Its text is the reason for the user."""

    resource: Resource
    limit: int
    used_bytes: int = 0

    def __str__(self) -> str:
        used = f"{self.used_bytes / GIB:.2f} GiB"
        match self.resource:
            case Resource.MEMORY:
                granted = f"{self.limit / GIB:.2f} GiB"
                return f"out of memory: the program used {used} of the {granted} that it was given"
            case Resource.TASKS:
                return f"too many processes: the program may have {self.limit:,} processes and threads at once"
            case Resource.DISK:
                size = f"{round(self.limit / GIB, 2):g} GiB"
                return f"disk full: the program wrote {used} to its volume of {size}"


@dataclass(frozen=True)
class ResourceGuard:
    limits: ResourceLimits = NO_LIMITS
    group: ControlGroup | None = None
    """The group that holds it; None where the machine allows none."""
    volume: Volume | None = None

    def find_excess(self, pid: int) -> Excess | None:
        """Returns what the program has taken too much of. ``pid``: its outermost process.

        May take long when much was written. Raises OSError when its folders are gone.
        """
        used = self._measured_excess(pid) if self.group is None else self.held_excess()
        if used is None and self.volume is not None and (written := self.volume.bytes_over_limit(pid)):
            used = Excess(Resource.DISK, self.volume.granted_bytes, written)
        return used

    def held_excess(self) -> Excess | None:
        """Returns what the kernel has refused to the program, also when it has ended: the kernel may have been faster."""
        limits, group = self.limits, self.group
        if group is not None and limits.memory_bytes is not None and group.was_out_of_memory:
            return Excess(Resource.MEMORY, limits.memory_bytes, limits.memory_bytes)
        if group is not None and limits.tasks is not None and group.was_out_of_tasks:
            return Excess(Resource.TASKS, limits.tasks)
        return None

    def close(self) -> None:
        """Removes the group, for a program that has ended."""
        if self.group is not None:
            self.group.remove()

    def _measured_excess(self, pid: int) -> Excess | None:
        memory_bytes, tasks = self.limits.memory_bytes, self.limits.tasks
        if memory_bytes is None and tasks is None:
            return None
        tree = process_tree(pid)
        if tasks is not None and tree.tasks >= tasks * _MOST_TASKS_FRACTION:
            return Excess(Resource.TASKS, tasks)
        if memory_bytes is not None and (used_bytes := tree_memory_over_limit(tree, memory_bytes)):
            return Excess(Resource.MEMORY, memory_bytes, used_bytes)
        return None


UNGUARDED = ResourceGuard()


def open_guard(name: str, folders: Sequence[Path], limits: ResourceLimits) -> ResourceGuard:
    """Returns the guard of a program that has not started yet. ``name`` is that of its group; it writes into the folders."""
    group = ControlGroup.make(name, memory_bytes=limits.memory_bytes, tasks=limits.tasks, cpus=limits.cpus)
    return ResourceGuard(limits, group, Volume(folders, limits.volume_bytes))


def group_name(kind: str, *folders: Path) -> str:
    """Returns the name of the group of a program that is known by its folders."""
    digests = (hashlib.sha256(str(folder).encode()).hexdigest()[:_DIGEST_CHARS] for folder in folders)
    return "-".join(("naiad", kind, *digests))


def max_tasks(cores: int) -> int:
    """Returns the most processes and threads of a program: more than training takes, and too few to hold up the machine."""
    return _TASKS + _TASKS_PER_CORE * cores
