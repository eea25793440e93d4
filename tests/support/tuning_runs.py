"""Tuning jobs on a live server, with boto3."""

import time
from typing import Any

ROLE = "arn:aws:iam::000000000000:role/naiad"
RATES = {"ContinuousParameterRanges": [{"Name": "lr", "MinValue": "0.01", "MaxValue": "4", "ScalingType": "Linear"}]}
LOSS = {"Type": "Minimize", "MetricName": "loss"}


def script_definition(**changed: Any) -> dict[str, Any]:
    """The script of the fixtures: its loss is half of ``lr``, and it fails where ``lr`` is above 5."""
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://naiad/data/", "S3DataDistributionType": "FullyReplicated"}
    static = {"sagemaker_program": "train.py", "sagemaker_submit_directory": "s3://naiad/source.tar.gz"}
    return {
        "AlgorithmSpecification": {
            "TrainingImage": "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.3.0",
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "loss", "Regex": "loss: ([0-9.]+)"}],
        },
        "RoleArn": ROLE,
        "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": source}}],
        "OutputDataConfig": {"S3OutputPath": "s3://naiad/out/"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        **changed,
        "StaticHyperParameters": {**static, **changed.get("StaticHyperParameters", {})},
    }


def tuning_request(name: str, *, jobs: int = 4, parallel: int = 2, **config: Any) -> dict[str, Any]:
    """``config``: members of HyperParameterTuningJobConfig; ``definition`` is that of the trials."""
    definition = config.pop("definition", None) or script_definition()
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": LOSS,
            "ResourceLimits": {"MaxNumberOfTrainingJobs": jobs, "MaxParallelTrainingJobs": parallel},
            "ParameterRanges": RATES,
            **config,
        },
        "TrainingJobDefinition": definition,
        "Tags": [{"Key": "naiad:cores", "Value": "1"}],
    }


def describe(server: Any, name: str) -> dict[str, Any]:
    described: dict[str, Any] = server.client("sagemaker").describe_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name
    )
    return described


def wait_for_end(server: Any, name: str, *, within_s: float = 120) -> dict[str, Any]:
    deadline = time.monotonic() + within_s
    while True:
        described = describe(server, name)
        if described["HyperParameterTuningJobStatus"] in ("Completed", "Failed", "Stopped"):
            return described
        assert time.monotonic() < deadline, (described, trials(server, name))
        time.sleep(0.1)


def trials(server: Any, name: str) -> list[dict[str, Any]]:
    answer = server.client("sagemaker").list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name, MaxResults=100, SortBy="Name"
    )
    found: list[dict[str, Any]] = answer["TrainingJobSummaries"]
    return found


def log_lines(server: Any, job: str) -> list[str]:
    """Returns the lines of all attempts of a job."""
    logs, group = server.client("logs"), "/aws/sagemaker/TrainingJobs"
    found: list[str] = []
    request = {"logGroupName": group, "logStreamNamePrefix": f"{job}/"}
    while True:
        page = logs.filter_log_events(**request)
        found += [event["message"] for event in page["events"]]
        if "nextToken" not in page:
            return found
        request["nextToken"] = page["nextToken"]
