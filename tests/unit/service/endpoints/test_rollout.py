import json

import pytest

from naiad.service.domain.errors import Invalid
from naiad.service.endpoints.rollout import Rollout, make_rollout

CONTAINER = {"Image": "a", "ModelDataUrl": "s3://b/m.tar.gz"}


def make(*variants: dict[str, object], environment: dict[str, str] | None = None, **more: object) -> Rollout:
    config = {
        "EndpointConfigName": "c",
        "ProductionVariants": [{"VariantName": "v", "ModelName": "m", **one} for one in variants],
    }
    return make_rollout(3, {**config, **more}, {"m": {**CONTAINER, "Environment": environment or {}}})


def counts(rollout: Rollout) -> tuple[int, int, int]:
    (variant,) = rollout.variants
    return variant.min_instance_count, variant.desired_instance_count, variant.max_instance_count


def test_instance_counts():
    assert counts(make({"InitialInstanceCount": 2, "InstanceType": "t"})) == (2, 2, 2)
    scaling = {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 4}
    assert counts(make({"InitialInstanceCount": 2, "ManagedInstanceScaling": scaling})) == (0, 2, 4)
    assert counts(make({"InitialInstanceCount": 2, "ManagedInstanceScaling": {**scaling, "Status": "DISABLED"}})) == (
        2,
        2,
        2,
    )
    assert counts(make({"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 5}})) == (0, 0, 5)
    assert counts(
        make({"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 5, "ProvisionedConcurrency": 2}})
    ) == (2, 2, 5)


def test_json_round_trip():
    shadow = {"VariantName": "s", "ModelName": "m", "InitialInstanceCount": 1}
    rollout = make(
        {"InitialVariantWeight": 0.5}, ShadowProductionVariants=[shadow], AsyncInferenceConfig={"OutputConfig": {}}
    )
    assert Rollout.from_json(json.loads(json.dumps(rollout.to_json()))) == rollout


def test_a_variant_is_found_by_its_name():
    rollout = make({})
    assert rollout.variant("v").model_name == "m"
    with pytest.raises(Invalid, match="no variant 'w'; there are v"):
        rollout.variant("w")


@pytest.mark.parametrize("text", ["0", "-1", "soon", "86401"])
def test_malformed_idle_timeouts(text: str):
    with pytest.raises(Invalid, match="NAIAD_IDLE_S"):
        make({}, environment={"NAIAD_IDLE_S": text})
