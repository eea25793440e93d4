"""Limits of the programs of a variant, from what its instances get of this machine."""

from naiad.service.domain.job import ResourceRequest
from naiad.service.endpoints.rollout import RolloutVariant
from naiad.service.walls.resource_guard import GIB, Excess, Resource, ResourceLimits, max_tasks

_VOLUME_GIB = 30
"""The volume of an instance whose variant names none."""
_HINTS = {
    Resource.MEMORY: "use a larger instance type, or fewer replicas: SAGEMAKER_MODEL_SERVER_WORKERS",
    Resource.TASKS: "start fewer at once",
    Resource.DISK: "write less, or ask for more: VolumeSizeInGB",
}


def instance_limits(resources: ResourceRequest, variant: RolloutVariant) -> ResourceLimits:
    """Returns the limits of a whole instance, for what runs alone there: the installation of packages, a measurement."""
    return ResourceLimits(
        memory_bytes=resources.memory_bytes,
        tasks=max_tasks(resources.cores),
        volume_bytes=(variant.volume_gib or _VOLUME_GIB) * GIB,
    )


def replica_limits(instance: ResourceLimits, replicas: int) -> ResourceLimits:
    """Returns the limits of one replica: those of an instance share its memory and its volume equally."""
    assert instance.memory_bytes is not None
    assert instance.volume_bytes is not None
    return ResourceLimits(
        memory_bytes=instance.memory_bytes // replicas,
        tasks=max_tasks(cores=1),
        volume_bytes=instance.volume_bytes // replicas,
    )


def excess_reason(excess: Excess) -> str:
    """Returns the reason for the user, with what to do."""
    return f"{excess}; {_HINTS[excess.resource]}"
