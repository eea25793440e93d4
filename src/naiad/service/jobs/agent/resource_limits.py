"""Limits of the program of an instance, and the reason of a job whose program took more."""

from collections.abc import Mapping
from typing import Any

from naiad.service.executors.port import InstanceSpec
from naiad.service.jobs.layout import control_group_name
from naiad.service.walls.resource_guard import (
    GIB,
    Excess,
    Resource,
    ResourceGuard,
    ResourceLimits,
    max_tasks,
    open_guard,
)

_HINTS = {
    Resource.MEMORY: "; use a smaller batch or a larger instance type",
    Resource.TASKS: "",
    Resource.DISK: "; ask for more: VolumeSizeInGB",
}


def program_limits(spec: InstanceSpec) -> ResourceLimits:
    """Returns the limits that the request and its placement set."""
    size_gib = _resources(spec.request).get("VolumeSizeInGB")
    return ResourceLimits(
        memory_bytes=spec.memory_bytes or None,
        tasks=max_tasks(len(spec.cpus)),
        volume_bytes=size_gib * GIB if size_gib else None,
        cpus=spec.cpus,
    )


def open_program_guard(spec: InstanceSpec) -> ResourceGuard:
    """Returns the guard of the program, for the time before it starts. The log and the metrics are in its volume, too."""
    folder = spec.instance.folder
    return open_guard(control_group_name(folder), [folder], program_limits(spec))


def limit_reason(excess: Excess, spec: InstanceSpec) -> str:
    """Returns the failure reason of a program that was ended for what it used."""
    hint = _HINTS[excess.resource]
    if excess.resource is Resource.DISK and excess.limit != program_limits(spec).volume_bytes:
        hint = "; the disk of this machine has no room for more"
    return f"AlgorithmError: {excess}{hint}"


def _resources(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the part of a training or processing request that has the size of the volume."""
    config: Mapping[str, Any] = request.get("ResourceConfig") or request.get("ProcessingResources", {}).get(
        "ClusterConfig", {}
    )
    return config
