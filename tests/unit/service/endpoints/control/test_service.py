import pytest

from naiad.service.contract.machine_resources import MachineResources
from naiad.service.domain.entity import EndpointStatus, Entity, EntityKind
from naiad.service.domain.errors import Invalid, NotFound
from naiad.service.endpoints.control.service import EndpointService, cores_of
from naiad.service.endpoints.rollout import Plan

CONTAINER = {"Image": "a", "ModelDataUrl": "s3://data/m.tar.gz"}


def configured(service: EndpointService, name: str, **variant: object) -> None:
    catalog = service.catalog
    catalog.create_model({"ModelName": name, "PrimaryContainer": CONTAINER}, {})
    given = {"VariantName": "v", "ModelName": name, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large", **variant}
    catalog.create_endpoint_config({"EndpointConfigName": name, "ProductionVariants": [given]}, {})


@pytest.fixture
def created(service: EndpointService) -> EndpointService:
    configured(service, "one")
    service.create({"EndpointName": "e", "EndpointConfigName": "one"}, {"team": "x"})
    return service


def in_service(service: EndpointService, name: str = "e") -> Entity:
    """As the manager leaves it."""
    before = service.describe(name)
    after = Entity(
        before.kind,
        before.name,
        before.region,
        before.request,
        before.created_at,
        service.clock.now(),
        EndpointStatus.IN_SERVICE,
        {"plan": before.detail["next"], "number": before.detail["number"]},
    )
    service.entities.update(after, before=before)
    return after


def test_an_order_is_on_disk_with_all_that_it_needs(created: EndpointService):
    created.catalog.delete(EntityKind.MODEL, "one")
    created.catalog.delete(EntityKind.ENDPOINT_CONFIG, "one")
    entity = created.describe("e")
    assert entity.status == EndpointStatus.CREATING
    plan = Plan.from_json(entity.detail["next"])
    assert (plan.number, plan.config_name, plan.variants[0].container) == (1, "one", CONTAINER)


def test_one_order_at_a_time(created: EndpointService):
    with pytest.raises(Invalid, match="Cannot update in-progress endpoint"):
        created.update({"EndpointName": "e", "EndpointConfigName": "one"})
    with pytest.raises(Invalid, match="wait for its end before you delete it"):
        created.delete("e")
    with pytest.raises(Invalid, match="Cannot create already existing endpoint"):
        created.create({"EndpointName": "e", "EndpointConfigName": "one"}, {})


def test_an_update_has_a_number_of_its_own_and_may_keep_what_was_set(created: EndpointService):
    in_service(created)
    created.set_weights("e", [{"VariantName": "v", "DesiredWeight": 5.0, "DesiredInstanceCount": 3}])
    in_service(created)
    configured(created, "two", InitialInstanceCount=1)
    request = {"EndpointName": "e", "EndpointConfigName": "two", "RetainAllVariantProperties": True}
    excluded = [{"VariantPropertyType": "DesiredInstanceCount"}]
    plan = Plan.from_json(created.update({**request, "ExcludeRetainedVariantProperties": excluded}).detail["next"])
    assert (plan.number, plan.variants[0].weight, plan.variants[0].instances) == (2, 5.0, 1)


def test_counts_within_the_bounds_of_scaling(service: EndpointService):
    configured(
        service, "one", ManagedInstanceScaling={"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 2}
    )
    service.create({"EndpointName": "e", "EndpointConfigName": "one"}, {})
    in_service(service)
    for count in (0, 3):
        with pytest.raises(Invalid, match=f"DesiredInstanceCount is {count}; it is scaled between 1 and 2"):
            service.set_weights("e", [{"VariantName": "v", "DesiredInstanceCount": count}])
    order = service.set_weights("e", [{"VariantName": "v", "DesiredInstanceCount": 2}]).detail
    (variant,) = Plan.from_json(order["next"]).variants
    assert (variant.least, variant.instances, variant.most) == (1, 2, 2)
    assert order["resized"] == ["v"]


def test_a_weight_alone_asks_for_no_count(created: EndpointService):
    in_service(created)
    order = created.set_weights("e", [{"VariantName": "v", "DesiredWeight": 2.0}]).detail
    assert (Plan.from_json(order["next"]).variants[0].weight, order["resized"]) == (2.0, [])


def test_a_fixed_count_is_at_least_one(created: EndpointService):
    in_service(created)
    with pytest.raises(Invalid, match="DesiredInstanceCount is 0; give at least 1"):
        created.set_weights("e", [{"VariantName": "v", "DesiredInstanceCount": 0}])


def test_deleting_twice_is_deleting_once(created: EndpointService):
    in_service(created)
    created.delete("e")
    created.delete("e")
    assert created.describe("e").status == EndpointStatus.DELETING


def test_what_is_not_there(created: EndpointService):
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
def test_updates_that_are_not_served(created: EndpointService, config: dict[str, object]):
    in_service(created)
    with pytest.raises(Invalid):
        created.update({"EndpointName": "e", "EndpointConfigName": "one", "DeploymentConfig": config})


def test_an_instance_has_as_many_replicas_as_cores_of_this_machine(created: EndpointService):
    (variant,) = Plan.from_json(created.describe("e").detail["next"]).variants
    assert cores_of(MachineResources((0, 1, 2, 3), 64 * 2**30), variant) == 2
    assert cores_of(MachineResources((0,), 64 * 2**30), variant) == 1
