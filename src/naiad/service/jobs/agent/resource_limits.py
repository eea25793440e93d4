"""Limits of the program of an instance, and the reason of a job whose program took more."""

import hashlib
from collections.abc import Mapping
from typing import Any

from naiad.service.executors.instance_files import ML_FOLDER, TMP_FOLDER
from naiad.service.executors.port import InstanceSpec
from naiad.service.jobs.agent.program_monitor import EndCause, ProgramEnd
from naiad.service.walls.control_group import ControlGroup
from naiad.service.walls.volume import Volume

_GIB = 2**30
_TASKS, _TASKS_PER_CORE = 2048, 512
NO_CONTROL_GROUP = "no control group can be made here: the program's memory and tasks are measured twice a second"


def max_tasks(spec: InstanceSpec) -> int:
    """Returns the most processes and threads of the program: more than training takes, and too few to hold up the machine."""
    return _TASKS + _TASKS_PER_CORE * len(spec.cpus)


def make_control_group(spec: InstanceSpec) -> ControlGroup | None:
    """Returns a group that holds the instance's program to its limits; None where the machine allows none."""
    name = f"naiad-{hashlib.sha256(str(spec.instance.folder).encode()).hexdigest()[:24]}"
    return ControlGroup.make(name, memory_bytes=spec.memory_bytes or None, tasks=max_tasks(spec))


def open_volume(spec: InstanceSpec) -> Volume | None:
    """Returns the volume that the request asks for; None for a request without one. For the time before the program starts."""
    size_gib = _resources(spec.request).get("VolumeSizeInGB")
    if not size_gib:
        return None
    folders = [spec.instance.folder / name for name in (ML_FOLDER, TMP_FOLDER)]
    return Volume(folders, size_gib * _GIB)


def limit_reason(end: ProgramEnd, spec: InstanceSpec) -> str | None:
    """Returns the failure reason of a program that was ended for what it used; None for any other end."""
    used = f"{(end.used_bytes or 0) / _GIB:.2f} GiB"
    if end.cause is EndCause.MEMORY_LIMIT:
        granted = f"{spec.memory_bytes / _GIB:.2f} GiB"
        hint = "use a smaller batch or a larger instance type"
        return f"AlgorithmError: out of memory: the program used {used} of the {granted} that it was given; {hint}"
    if end.cause is EndCause.DISK_LIMIT:
        size = f"{_resources(spec.request).get('VolumeSizeInGB')} GiB"
        return (
            f"AlgorithmError: disk full: the program wrote {used} to its volume of {size}; ask for more: VolumeSizeInGB"
        )
    if end.cause is EndCause.TASK_LIMIT:
        return f"AlgorithmError: too many processes: the program may have {max_tasks(spec):,} processes and threads at once"
    return None


def _resources(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the part of a training or processing request that has the size of the volume."""
    config: Mapping[str, Any] = request.get("ResourceConfig") or request.get("ProcessingResources", {}).get(
        "ClusterConfig", {}
    )
    return config
