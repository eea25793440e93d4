import json
from pathlib import Path
from typing import Any

from naiad.service.domain.job import JobKind
from naiad.service.jobs.agent.config_files import channel_hosts, input_data_config, resource_config, write_config_files

REQUEST = {
    "HyperParameters": {"sagemaker_program": '"train.py"', "lr": "0.5", "layers": "[1, 2]", "name": '"a b"'},
    "InputDataConfig": [
        {"ChannelName": "train", "ContentType": "text/csv", "DataSource": {"S3DataSource": {"S3Uri": "s3://naiad/x"}}},
        {"ChannelName": "my-test", "DataSource": {"S3DataSource": {"S3DataDistributionType": "ShardedByS3Key"}}},
    ],
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 2},
    "Environment": {"MINE": "1"},
}


def test_the_files_of_a_training_job(spec_of: Any, tmp_path: Path) -> None:
    write_config_files(spec_of(REQUEST, index=1, instances=2), tmp_path)
    files = {path.name: json.loads(path.read_text()) for path in (tmp_path / "input" / "config").iterdir()}
    assert files["hyperparameters.json"] == REQUEST["HyperParameters"]
    assert files["inputdataconfig.json"]["train"] == {
        "ContentType": "text/csv",
        "TrainingInputMode": "File",
        "S3DistributionType": "FullyReplicated",
        "RecordWrapperType": "None",
    }
    assert files["resourceconfig.json"]["current_host"] == "algo-2"
    assert files["resourceconfig.json"]["hosts"] == ["algo-1", "algo-2"]
    assert all((tmp_path / name).is_dir() for name in ("model", "code", "output/data", "checkpoints", "input/data"))


def test_the_files_of_a_processing_job(spec_of: Any, tmp_path: Path) -> None:
    cluster = {"ClusterConfig": {"InstanceType": "ml.m5.large"}}
    write_config_files(
        spec_of({"ProcessingResources": cluster, "ProcessingJobName": "one"}, kind=JobKind.PROCESSING), tmp_path
    )
    files = {path.name: json.loads(path.read_text()) for path in (tmp_path / "config").iterdir()}
    assert files["processingjobconfig.json"]["ProcessingJobName"] == "one"
    assert files["resourceconfig.json"]["current_instance_type"] == "ml.m5.large"


def test_the_files_of_a_transform_job(spec_of: Any, tmp_path: Path) -> None:
    write_config_files(spec_of({"TransformJobName": "one"}, kind=JobKind.TRANSFORM), tmp_path)
    assert json.loads((tmp_path / "config" / "transformjobconfig.json").read_text()) == {"TransformJobName": "one"}
    assert all((tmp_path / name).is_dir() for name in ("code", "output", "transform/input", "transform/output"))


def test_channels_of_groups_of_instances(spec_of: Any) -> None:
    groups = [
        {"InstanceGroupName": name, "InstanceType": "ml.m5.large", "InstanceCount": count}
        for name, count in (("first", 1), ("others", 2))
    ]
    channels = [
        {"ChannelName": name, "DataSource": {"S3DataSource": {"S3Uri": "s3://naiad/x", **more}}}
        for name, more in (("all", {}), ("some", {"InstanceGroupNames": ["others"]}))
    ]
    request = {"ResourceConfig": {"InstanceGroups": groups}, "InputDataConfig": channels}
    specs = [spec_of(request, index=index, instances=3) for index in range(3)]
    assert [sorted(input_data_config(spec)) for spec in specs] == [["all"], ["all", "some"], ["all", "some"]]
    assert channel_hosts(specs[2], channels[1]) == ["algo-2", "algo-3"]
    shown = resource_config(specs[2])
    assert (shown["current_group_name"], [group["hosts"] for group in shown["instance_groups"]]) == (
        "others",
        [["algo-1"], ["algo-2", "algo-3"]],
    )
