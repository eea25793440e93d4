from dataclasses import replace

import pytest

from naiad.service.contract.machine_resources import MachineResources
from naiad.service.domain.entity import EndpointStatus, Entity, EntityKind
from naiad.service.domain.errors import Invalid, NotFound
from naiad.service.endpoints.control.service import EndpointService, instance_resources
from naiad.service.endpoints.endpoint_detail import EndpointDetail
from naiad.service.endpoints.rollout import Rollout

CONTAINER = {"Image": "a", "ModelDataUrl": "s3://data/m.tar.gz"}


def add_config(service: EndpointService, name: str, **variant: object) -> None:
    catalog = service.catalog
    catalog.create_model({"ModelName": name, "PrimaryContainer": CONTAINER}, {})
    values = {
        "VariantName": "v",
        "ModelName": name,
        "InitialInstanceCount": 1,
        "InstanceType": "ml.m5.large",
        **variant,
    }
    catalog.create_endpoint_config({"EndpointConfigName": name, "ProductionVariants": [values]}, {})


@pytest.fixture
def created(service: EndpointService) -> EndpointService:
    add_config(service, "one")
    service.create({"EndpointName": "e", "EndpointConfigName": "one"}, {"team": "x"})
    return service


def detail_of(entity: Entity) -> EndpointDetail:
    return EndpointDetail.from_json(entity.detail)


def pending(entity: Entity) -> Rollout:
    rollout = detail_of(entity).pending_rollout
    assert rollout is not None
    return rollout


def finish_deployment(service: EndpointService, name: str = "e") -> Entity:
    """Writes the endpoint as the reconciler does after a deployment."""
    before = service.describe(name)
    after = Entity(
        before.kind,
        before.name,
        before.region,
        before.request,
        before.created_at,
        service.clock.now(),
        EndpointStatus.IN_SERVICE,
        EndpointDetail(rollout=pending(before), deployment_number=detail_of(before).deployment_number).to_json(),
    )
    service.entities.update(after, before=before)
    return after


def test_the_rollout_needs_neither_model_nor_configuration_any_more(created: EndpointService):
    created.catalog.delete(EntityKind.MODEL, "one")
    created.catalog.delete(EntityKind.ENDPOINT_CONFIG, "one")
    entity = created.describe("e")
    assert entity.status == EndpointStatus.CREATING
    rollout = pending(entity)
    assert (rollout.deployment_number, rollout.config_name, rollout.variants[0].container) == (1, "one", CONTAINER)


def test_one_change_at_a_time(created: EndpointService):
    with pytest.raises(Invalid, match="Cannot update in-progress endpoint"):
        created.update({"EndpointName": "e", "EndpointConfigName": "one"})
    with pytest.raises(Invalid, match="wait for its end before you delete it"):
        created.delete("e")
    with pytest.raises(Invalid, match="Cannot create already existing endpoint"):
        created.create({"EndpointName": "e", "EndpointConfigName": "one"}, {})


def test_an_update_has_its_own_number_and_may_retain_properties(created: EndpointService):
    finish_deployment(created)
    created.update_weights_and_capacities("e", [{"VariantName": "v", "DesiredWeight": 5.0, "DesiredInstanceCount": 3}])
    finish_deployment(created)
    add_config(created, "two", InitialInstanceCount=1)
    request = {"EndpointName": "e", "EndpointConfigName": "two", "RetainAllVariantProperties": True}
    excluded = [{"VariantPropertyType": "DesiredInstanceCount"}]
    rollout = pending(created.update({**request, "ExcludeRetainedVariantProperties": excluded}))
    (variant,) = rollout.variants
    assert (rollout.deployment_number, variant.weight, variant.desired_instance_count) == (2, 5.0, 1)


def test_a_count_must_be_within_the_bounds_of_scaling(service: EndpointService):
    add_config(
        service, "one", ManagedInstanceScaling={"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 2}
    )
    service.create({"EndpointName": "e", "EndpointConfigName": "one"}, {})
    finish_deployment(service)
    for count in (0, 3):
        with pytest.raises(Invalid, match=f"DesiredInstanceCount is {count}; it is scaled between 1 and 2"):
            service.update_weights_and_capacities("e", [{"VariantName": "v", "DesiredInstanceCount": count}])
    entity = service.update_weights_and_capacities("e", [{"VariantName": "v", "DesiredInstanceCount": 2}])
    (variant,) = pending(entity).variants
    assert (variant.min_instance_count, variant.desired_instance_count, variant.max_instance_count) == (1, 2, 2)
    assert detail_of(entity).resized_variants == ("v",)


def test_a_weight_alone_changes_no_count(created: EndpointService):
    finish_deployment(created)
    entity = created.update_weights_and_capacities("e", [{"VariantName": "v", "DesiredWeight": 2.0}])
    assert (pending(entity).variants[0].weight, detail_of(entity).resized_variants) == (2.0, ())


def test_a_fixed_count_must_be_at_least_one(created: EndpointService):
    finish_deployment(created)
    with pytest.raises(Invalid, match="DesiredInstanceCount is 0; give at least 1"):
        created.update_weights_and_capacities("e", [{"VariantName": "v", "DesiredInstanceCount": 0}])


def test_an_endpoint_may_be_deleted_twice(created: EndpointService):
    finish_deployment(created)
    created.delete("e")
    created.delete("e")
    assert created.describe("e").status == EndpointStatus.DELETING


def test_missing_endpoints_and_configurations(created: EndpointService):
    with pytest.raises(NotFound, match='Could not find endpoint "nothing"'):
        created.describe("nothing")
    with pytest.raises(NotFound, match="Could not find endpoint configuration"):
        created.create({"EndpointName": "f", "EndpointConfigName": "nothing"}, {})


@pytest.mark.parametrize(
    "config",
    [
        {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}]}},
        {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "CANARY"}}},
        {"RollingUpdatePolicy": {}},
    ],
)
def test_unsupported_kinds_of_updates(created: EndpointService, config: dict[str, object]):
    finish_deployment(created)
    with pytest.raises(Invalid):
        created.update({"EndpointName": "e", "EndpointConfigName": "one", "DeploymentConfig": config})


def test_an_instance_has_as_many_replicas_as_cores_of_this_machine(created: EndpointService):
    (variant,) = pending(created.describe("e")).variants
    large = instance_resources(MachineResources((0, 1, 2, 3), 64 * 2**30), variant)
    assert (large.cores, large.memory_bytes) == (2, 8 * 2**30)
    small = instance_resources(MachineResources((0,), 4 * 2**30), variant)
    assert (small.cores, small.memory_bytes) == (1, 4 * 2**30)


def test_a_serverless_variant_has_one_replica_with_its_memory(created: EndpointService):
    (variant,) = pending(created.describe("e")).variants
    machine = MachineResources((0, 1), 4 * 2**30)
    for memory_mb, memory_bytes in ((1024, 2**30), (6144, 4 * 2**30)):
        config = {"MemorySizeInMB": memory_mb, "MaxConcurrency": 1}
        found = instance_resources(machine, replace(variant, instance_type="", serverless_config=config))
        assert (found.cores, found.memory_bytes) == (1, memory_bytes)
