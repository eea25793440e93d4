"""What the model cannot say, refused with the part that is wrong and what to do."""

from typing import Any

import pytest

from naiad.service.contract.requests import Ask, check_buckets, cores_of, priority_of, tags_of
from naiad.service.contract.s3_uri import S3Uri, parse_s3_uri
from naiad.service.domain.errors import Invalid
from naiad.service.jobs.processing_request import ask_of_processing, check_processing, uris_of_processing
from naiad.service.jobs.training_request import ask_of_training, check_training, uris_of_training


def channel(**changed: Any) -> dict[str, Any]:
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data/train", **changed.pop("source", {})}}
    return {"ChannelName": "training", "DataSource": source, **changed}


def algorithm(**changed: Any) -> dict[str, Any]:
    return {"AlgorithmSpecification": {"TrainingImage": "naiad/trainer", "TrainingInputMode": "File", **changed}}


SPOT = {"EnableManagedSpotTraining": True}

REFUSED = [
    (algorithm(TrainingInputMode="Pipe"), "Pipe mode is not served: take File"),
    (algorithm(AlgorithmName="arn:aws:sagemaker:us-east-1:000000000000:algorithm/x"), "AlgorithmName is not served"),
    ({"AlgorithmSpecification": {"TrainingInputMode": "File"}}, "TrainingImage is missing"),
    (
        algorithm(TrainingImage="x/pytorch-training:2"),
        "there is nothing to run: give the hyperparameters sagemaker_program",
    ),
    (
        {**algorithm(TrainingImage="my-naiad/trainer:1"), "HyperParameters": {"sagemaker_program": ""}},
        "there is nothing to run",
    ),
    (
        algorithm(MetricDefinitions=[{"Name": "loss", "Regex": "loss=([0-9.]+"}]),
        "metric 'loss' is no regular expression",
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
    ({"CheckpointConfig": {"S3Uri": "s3://data/c", "LocalPath": "/opt/ml/model/c"}}, "has its own meaning"),
    ({"VpcConfig": {"Subnets": ["a"], "SecurityGroupIds": ["b"]}}, "VpcConfig is not served"),
    ({"EnableNetworkIsolation": True}, "EnableNetworkIsolation is not served"),
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
        {**algorithm(TrainingImage="x/pytorch-training:2"), "HyperParameters": {"sagemaker_program": "train.py"}},
        algorithm(TrainingImage="any", ContainerEntrypoint=["true"]),
        algorithm(TrainingImage="host:5000/naiad/trainer:1"),
        {"EnableNetworkIsolation": False, "DebugHookConfig": {"S3OutputPath": "s3://data/debug"}},
        {"RetryStrategy": {"MaximumRetryAttempts": 3}},
    ],
)
def test_what_is_accepted(request_of: Any, changed: dict[str, Any]) -> None:
    check_training(request_of("one", **changed))


def test_the_machines_that_are_asked_for(request_of: Any) -> None:
    group = {"InstanceType": "ml.m5.large", "InstanceCount": 1}
    groups = [{**group, "InstanceGroupName": "a"}, {**group, "InstanceGroupName": "b"}]
    assert ask_of_training(request_of("one")) == Ask("ml.m5.large", 1)
    assert ask_of_training(request_of("one", ResourceConfig={"InstanceGroups": groups})) == Ask("ml.m5.large", 2)


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
def test_machines_that_cannot_be_meant(request_of: Any, config: dict[str, Any], says: str) -> None:
    with pytest.raises(Invalid, match=says):
        ask_of_training(request_of("one", ResourceConfig=config))


def test_all_that_a_training_job_touches(request_of: Any) -> None:
    request = request_of("one", InputDataConfig=[channel()], CheckpointConfig={"S3Uri": "s3://data/c"})
    assert [uri for _, uri in uris_of_training(request)] == ["s3://data/train", "s3://data/out", "s3://data/c"]


def processing(**changed: Any) -> dict[str, Any]:
    return {
        "ProcessingJobName": "one",
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
        },
        **changed,
    }


def s3_input(**changed: Any) -> dict[str, Any]:
    source = {"S3Uri": "s3://data/in", "LocalPath": "/opt/ml/processing/in", "S3DataType": "S3Prefix", **changed}
    return {"ProcessingInputs": [{"InputName": "in", "S3Input": source}]}


def s3_output(**changed: Any) -> dict[str, Any]:
    target = {"S3Uri": "s3://data/out", "LocalPath": "/opt/ml/processing/out", "S3UploadMode": "EndOfJob", **changed}
    return {"ProcessingOutputConfig": {"Outputs": [{"OutputName": "out", "S3Output": target}]}}


def test_a_processing_request_is_accepted() -> None:
    request = processing(**s3_input(), **s3_output())
    check_processing(request)
    assert ask_of_processing(request) == Ask("ml.m5.large", 1)
    assert [uri for _, uri in uris_of_processing(request)] == ["s3://data/in", "s3://data/out"]


def test_a_processing_job_of_no_machine() -> None:
    cluster = {"InstanceType": "ml.m5.large", "InstanceCount": 0, "VolumeSizeInGB": 1}
    with pytest.raises(Invalid, match="InstanceCount is 0; it must be at least 1"):
        ask_of_processing(processing(ProcessingResources={"ClusterConfig": cluster}))


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (s3_input(LocalPath="/opt/ml/processing/../../../etc"), "without '..'"),
        (s3_input(LocalPath="/etc"), "must be a folder in /opt/ml/processing"),
        (s3_input(S3InputMode="Pipe"), "Pipe mode is not served"),
        (s3_input(S3CompressionType="Gzip"), "belongs to Pipe"),
        (s3_output(LocalPath="/tmp/x"), "must be a folder in"),
        ({"ProcessingInputs": [{"InputName": "in", "DatasetDefinition": {"InputMode": "File"}}]}, "no Athena"),
        (
            {"ProcessingOutputConfig": {"Outputs": [{"OutputName": "o", "FeatureStoreOutput": {"a": 1}}]}},
            "feature store",
        ),
        ({"NetworkConfig": {"EnableNetworkIsolation": True}}, "EnableNetworkIsolation is not served"),
    ],
)
def test_a_processing_request_is_refused(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(Invalid, match=says):
        check_processing(processing(**changed))


def test_a_uri_is_a_bucket_and_a_key() -> None:
    assert parse_s3_uri("s3://data/a//b ü/../c", at="x") == S3Uri("data", "a//b ü/../c")
    assert parse_s3_uri("s3://data", at="x") == S3Uri("data", "")


@pytest.mark.parametrize(
    "uri", ["", "file:///etc", "https://s3.amazonaws.com/data", "s3://", "s3://../x", "s3://A/x", "s3://a..b/"]
)
def test_another_uri_is_refused(uri: str) -> None:
    with pytest.raises(Invalid, match="here is"):
        parse_s3_uri(uri, at="here")


def test_each_bucket_is_looked_at_once() -> None:
    looked: list[str] = []
    check_buckets([("a", "s3://data/1"), ("b", "s3://data/2")], lambda bucket: not looked.append(bucket))
    assert looked == ["data"]


def test_tags() -> None:
    tags = tags_of({"Tags": [{"Key": "naiad:priority", "Value": "-3"}, {"Key": "naiad:cores", "Value": "2"}]})
    assert (priority_of(tags), cores_of(tags)) == (-3, 2)
    assert (priority_of({}), cores_of({})) == (0, None)


@pytest.mark.parametrize(
    ("tags", "says"),
    [
        ([("a", "1"), ("a", "2")], "twice"),
        ([("aws:x", "1")], "reserved"),
        ([("naiad:priority", "high")], "whole number from -1000 to 1000"),
        ([("naiad:cores", "0")], "whole number from 1"),
        ([(f"k{n}", "") for n in range(51)], "51 tags"),
    ],
)
def test_tags_that_are_refused(tags: list[tuple[str, str]], says: str) -> None:
    with pytest.raises(Invalid, match=says):
        tags_of({"Tags": [{"Key": key, "Value": value} for key, value in tags]})
