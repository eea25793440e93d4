from naiad.service.domain.job import ResourceRequest
from naiad.service.endpoints.rollout import make_rollout
from naiad.service.endpoints.serving.instance_limits import instance_limits, replica_limits
from naiad.service.walls.resource_guard import GIB, ResourceLimits, max_tasks

RESOURCES = ResourceRequest(1, cores=2, memory_bytes=8 * GIB)


def limits(**more: object) -> ResourceLimits:
    variant = {"VariantName": "v", "ModelName": "m", "InstanceType": "ml.m5.large", **more}
    rollout = make_rollout(1, {"EndpointConfigName": "c", "ProductionVariants": [variant]}, {"m": {"Image": "a"}})
    return instance_limits(RESOURCES, rollout.variants[0])


def test_an_instance_has_the_memory_of_its_type_and_the_volume_of_its_variant() -> None:
    assert limits() == ResourceLimits(8 * GIB, max_tasks(2), 30 * GIB)
    assert limits(VolumeSizeInGB=100).volume_bytes == 100 * GIB


def test_the_replicas_of_an_instance_share_its_memory_and_its_volume() -> None:
    assert replica_limits(limits(), 2) == ResourceLimits(4 * GIB, max_tasks(1), 15 * GIB)
    assert replica_limits(limits(), 1) == ResourceLimits(8 * GIB, max_tasks(1), 30 * GIB)
