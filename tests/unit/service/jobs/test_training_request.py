"""Checks of CreateTrainingJob: what is refused, with the part that is wrong and what to do."""

from typing import Any

import pytest

from naiad.service.contract.request_checks import InstanceRequest
from naiad.service.domain.errors import Invalid
from naiad.service.jobs.training_request import check_training, training_instances, training_uris


def channel(**changed: Any) -> dict[str, Any]:
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data/train", **changed.pop("source", {})}}
    return {"ChannelName": "training", "DataSource": source, **changed}


def algorithm(**changed: Any) -> dict[str, Any]:
    return {"AlgorithmSpecification": {"TrainingImage": "naiad/trainer", "TrainingInputMode": "File", **changed}}


SPOT = {"EnableManagedSpotTraining": True}

REFUSED = [
    (algorithm(TrainingInputMode="Pipe"), "Pipe mode is not served: use File"),
    (algorithm(AlgorithmName="arn:aws:sagemaker:us-east-1:000000000000:algorithm/x"), "AlgorithmName is not served"),
    ({"AlgorithmSpecification": {"TrainingInputMode": "File"}}, "TrainingImage is missing"),
    (
        {**algorithm(TrainingImage="my-naiad/trainer:1"), "HyperParameters": {"sagemaker_program": "train.py"}},
        "sagemaker_submit_directory is missing",
    ),
    ({"HyperParameters": {"lr": '"a\\u0000b"'}}, "the hyperparameter 'lr' has a NUL character"),
    (
        {"InputDataConfig": [channel(source={"InstanceGroupNames": ["x"]})]},
        "InstanceGroupNames has 'x', and the groups",
    ),
    ({"HyperParameters": {"lr": "\ud800"}}, "cannot be written in UTF-8"),
    ({"Environment": {"A": "\ud800"}}, "Environment's 'A' cannot be written in UTF-8"),
    ({"Environment": {"NAIAD_STOP_TIMEOUT_S": "soon"}}, "NAIAD_STOP_TIMEOUT_S is 'soon': give seconds"),
    (
        algorithm(MetricDefinitions=[{"Name": "loss", "Regex": "loss=([0-9.]+"}]),
        "metric 'loss' is not a regular expression",
    ),
    (
        algorithm(MetricDefinitions=[{"Name": "loss", "Regex": "a{99999999999}"}]),
        "metric 'loss' is not a regular expression",
    ),
    ({"InputDataConfig": [channel(ChannelName="..")]}, "a channel is a folder below /opt/ml/input/data"),
    ({"InputDataConfig": [channel(), channel()]}, "InputDataConfig has the name 'training' twice"),
    ({"InputDataConfig": [channel(InputMode="Pipe")]}, "InputDataConfig.training.InputMode: Pipe"),
    ({"InputDataConfig": [channel(CompressionType="Gzip")]}, "belong to Pipe mode"),
    ({"InputDataConfig": [channel(source={"S3DataType": "AugmentedManifestFile"})]}, "S3Prefix and ManifestFile"),
    ({"InputDataConfig": [channel(DataSource={"FileSystemDataSource": {"FileSystemId": "fs"}})]}, "no EFS or FSx"),
    ({"InputDataConfig": [channel(DataSource={})]}, "has no S3DataSource"),
    ({"HyperParameters": {f"h{n}": "x" * 2500 for n in range(60)}}, "HyperParameters has .* bytes in all"),
    ({"Environment": {"A": "x\0y"}}, "NUL"),
    ({"StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 90}}, "only for EnableManagedSpot"),
    ({**SPOT, "StoppingCondition": {"MaxRuntimeInSeconds": 60}}, "needs StoppingCondition.MaxWaitTimeInSeconds"),
    ({**SPOT, "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 59}}, "59 is less than"),
    ({"CheckpointConfig": {"S3Uri": "s3://data/c", "LocalPath": "/opt/ml/../../etc"}}, "without '..'"),
    ({"CheckpointConfig": {"S3Uri": "s3://data/c", "LocalPath": "/home/me"}}, "must be a folder in /opt/ml"),
    ({"CheckpointConfig": {"S3Uri": "s3://data/c", "LocalPath": "/opt/ml/model/c"}}, "is used for something else"),
    ({"VpcConfig": {"Subnets": ["a"], "SecurityGroupIds": ["b"]}}, "VpcConfig is not served"),
    ({"ModelPackageConfig": {"ModelPackageGroupArn": "x"}}, "no model registry"),
]


@pytest.mark.parametrize(("changed", "says"), REFUSED)
def test_a_training_request_is_refused(request_of: Any, changed: dict[str, Any], says: str) -> None:
    with pytest.raises(Invalid, match=says):
        check_training(request_of("one", **changed))


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"InputDataConfig": [channel(), channel(ChannelName="code", InputMode="FastFile")]},
        {**SPOT, "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60}},
        {"CheckpointConfig": {"S3Uri": "s3://data/c", "LocalPath": "/opt/ml/checkpoints"}},
        {
            **algorithm(TrainingImage="x/pytorch-training:2"),
            "HyperParameters": {"sagemaker_program": "train.py", "sagemaker_submit_directory": "s3://data/s.tar.gz"},
        },
        algorithm(TrainingImage="any", ContainerEntrypoint=["true"]),
        algorithm(TrainingImage="host:5000/naiad/trainer:1"),
        {"EnableNetworkIsolation": True, "DebugHookConfig": {"S3OutputPath": "s3://data/debug"}},
        {"RetryStrategy": {"MaximumRetryAttempts": 3}},
    ],
)
def test_a_training_request_is_accepted(request_of: Any, changed: dict[str, Any]) -> None:
    check_training(request_of("one", **changed))


def test_the_requested_machines(request_of: Any) -> None:
    group = {"InstanceType": "ml.m5.large", "InstanceCount": 1}
    groups = [{**group, "InstanceGroupName": "a"}, {**group, "InstanceGroupName": "b"}]
    assert training_instances(request_of("one")) == InstanceRequest("ml.m5.large", 1)
    assert training_instances(request_of("one", ResourceConfig={"InstanceGroups": groups})) == InstanceRequest(
        "ml.m5.large", 2
    )


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"InstanceCount": 1}, "no InstanceType and InstanceCount"),
        ({"InstanceGroups": [{}], "InstanceCount": 1}, "one or the other"),
        (
            {
                "InstanceGroups": [
                    {"InstanceType": "ml.m5.large", "InstanceCount": 1, "InstanceGroupName": "a"},
                    {"InstanceType": "ml.c5.xlarge", "InstanceCount": 1, "InstanceGroupName": "b"},
                ]
            },
            "different types",
        ),
        ({"InstanceType": "ml.m5.large", "InstanceCount": 0}, "InstanceCount is 0; it must be at least 1"),
        (
            {
                "InstanceGroups": [
                    {"InstanceType": "ml.m5.large", "InstanceCount": 1, "InstanceGroupName": "a"},
                    {"InstanceType": "ml.m5.large", "InstanceCount": 0, "InstanceGroupName": "b"},
                ]
            },
            "InstanceGroups.b.InstanceCount is 0; it must be at least 1",
        ),
    ],
)
def test_a_bad_request_for_machines_is_refused(request_of: Any, config: dict[str, Any], says: str) -> None:
    with pytest.raises(Invalid, match=says):
        training_instances(request_of("one", ResourceConfig=config))


def test_the_uris_that_a_training_job_reads_and_writes(request_of: Any) -> None:
    request = request_of("one", InputDataConfig=[channel()], CheckpointConfig={"S3Uri": "s3://data/c"})
    assert [uri for _, uri in training_uris(request)] == ["s3://data/train", "s3://data/out", "s3://data/c"]
