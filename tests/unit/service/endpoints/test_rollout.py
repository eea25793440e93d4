import json

import pytest

from naiad.service.domain.errors import Invalid
from naiad.service.endpoints.rollout import Plan, plan_of

CONTAINER = {"Image": "a", "ModelDataUrl": "s3://b/m.tar.gz"}


def made(*variants: dict[str, object], environment: dict[str, str] | None = None, **more: object) -> Plan:
    config = {
        "EndpointConfigName": "c",
        "ProductionVariants": [{"VariantName": "v", "ModelName": "m", **one} for one in variants],
    }
    return plan_of(3, {**config, **more}, {"m": {**CONTAINER, "Environment": environment or {}}})


def counts(plan: Plan) -> tuple[int, int, int]:
    (variant,) = plan.variants
    return variant.least, variant.instances, variant.most


def test_counts():
    assert counts(made({"InitialInstanceCount": 2, "InstanceType": "t"})) == (2, 2, 2)
    scaling = {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 4}
    assert counts(made({"InitialInstanceCount": 2, "ManagedInstanceScaling": scaling})) == (0, 2, 4)
    assert counts(made({"InitialInstanceCount": 2, "ManagedInstanceScaling": {**scaling, "Status": "DISABLED"}})) == (
        2,
        2,
        2,
    )
    assert counts(made({"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 5}})) == (0, 0, 5)
    assert counts(
        made({"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 5, "ProvisionedConcurrency": 2}})
    ) == (2, 2, 5)


def test_it_is_json_and_back():
    shadow = {"VariantName": "s", "ModelName": "m", "InitialInstanceCount": 1}
    plan = made(
        {"InitialVariantWeight": 0.5}, ShadowProductionVariants=[shadow], AsyncInferenceConfig={"OutputConfig": {}}
    )
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


def test_a_variant_by_its_name():
    plan = made({})
    assert plan.variant("v").model == "m"
    with pytest.raises(Invalid, match="no variant 'w'; there are v"):
        plan.variant("w")


@pytest.mark.parametrize("text", ["0", "-1", "soon", "86401"])
def test_an_idle_time_that_is_none(text: str):
    with pytest.raises(Invalid, match="NAIAD_IDLE_S"):
        made({}, environment={"NAIAD_IDLE_S": text})
