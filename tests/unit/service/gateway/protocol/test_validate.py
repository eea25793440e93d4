"""Validation against AWS's models, in AWS's sentences."""

import pytest

from naiad.service.domain.errors import Invalid
from naiad.service.gateway.protocol.service_models import operation_model
from naiad.service.gateway.protocol.validate import validate

SHAPE = operation_model("sagemaker", "CreateTrainingJob").input_shape
GOOD = {
    "TrainingJobName": "job-1",
    "RoleArn": "arn:aws:iam::000000000000:role/naiad",
    "AlgorithmSpecification": {"TrainingImage": "x", "TrainingInputMode": "File"},
    "OutputDataConfig": {"S3OutputPath": "s3://data/out"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
}


def problems(**changed):
    with pytest.raises(Invalid) as caught:
        validate(SHAPE, {**GOOD, **changed})
    return str(caught.value)


def test_a_valid_input_passes_and_unknown_keys_are_ignored():
    validate(SHAPE, {**GOOD, "Later": 1})


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            {"TrainingJobName": None},
            "Value null at 'trainingJobName' failed to satisfy constraint: Member must not be null",
        ),
        (
            {"TrainingJobName": "a b"},
            "Value 'a b' at 'trainingJobName' failed to satisfy constraint: Member must satisfy regular",
        ),
        ({"TrainingJobName": "x" * 64}, "Member must have length less than or equal to 63"),
        ({"TrainingJobName": 3}, "Member must be of type string"),
        (
            {"ResourceConfig": {"InstanceType": "local?", "InstanceCount": 0, "VolumeSizeInGB": 1}},
            "Value 'local?' at 'resourceConfig.instanceType' failed to satisfy constraint: Member must satisfy enum value set: [",
        ),
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 0}}, "Member must have value greater than or equal to 1"),
        ({"InputDataConfig": {}}, "Member must be of type list"),
        ({"HyperParameters": {"a" * 300: "x"}}, "Member must have length less than or equal to 256"),
        ({"HyperParameters": {"a": "x\ud800"}}, "Value 'x?' at 'hyperParameters.a.member' failed to satisfy"),
        ({"Environment": {"A\udfff": "x"}}, "Member must be Unicode text, without lone surrogates"),
        ({"RoleArn": "\ud800"}, "Member must be Unicode text, without lone surrogates"),
    ],
)
def test_each_constraint(changed, sentence):
    assert sentence in problems(**changed)


def test_all_problems_are_listed_at_once():
    text = problems(TrainingJobName="?", ResourceConfig={"InstanceType": "no", "InstanceCount": 1, "VolumeSizeInGB": 1})
    assert text.startswith("2 validation errors detected: ")


def test_further_enum_values_may_be_allowed():
    config = {**GOOD["ResourceConfig"], "InstanceType": "local"}
    validate(SHAPE, {**GOOD, "ResourceConfig": config}, also_allowed={"TrainingInstanceType": frozenset({"local"})})
