"""A training job in the shapes that AWS's model has for it."""

import datetime as dt
from typing import Any

from naiad.service.domain.job import Job
from naiad.service.jobs.metrics import MetricPoint
from naiad.service.jobs.queue import QueuePosition

_AS_REQUESTED = (
    "HyperParameters",
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "ResourceConfig",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "CheckpointConfig",
    "DebugHookConfig",
    "DebugRuleConfigurations",
    "TensorBoardOutputConfig",
    "ExperimentConfig",
    "ProfilerConfig",
    "ProfilerRuleConfigurations",
    "Environment",
    "RetryStrategy",
    "RemoteDebugConfig",
    "InfraCheckConfig",
)
_NOT_IN_SEARCH = {"ProfilerRuleConfigurations", "RemoteDebugConfig", "InfraCheckConfig", "ProfilingStatus"}
_DEFAULTS: dict[str, Any] = {
    "HyperParameters": {},
    "InputDataConfig": [],
    "EnableNetworkIsolation": False,
    "EnableInterContainerTrafficEncryption": False,
    "EnableManagedSpotTraining": False,
}
_MAX_REASON = 1024


def training_description(
    job: Job, final_metrics: tuple[MetricPoint, ...], place: QueuePosition | None = None
) -> dict[str, Any]:
    """DescribeTrainingJob's answer, with every field that the SDKs read without looking. ``place``: of a job that waits."""
    asked = {key: job.request[key] for key in _AS_REQUESTED if key in job.request}
    return {
        **_DEFAULTS,
        **asked,
        **_times(job),
        "TrainingJobName": job.name,
        "TrainingJobArn": job.arn,
        "TrainingJobStatus": str(job.status),
        "SecondaryStatus": str(job.phase),
        "ModelArtifacts": {"S3ModelArtifacts": model_uri(job)},
        "OutputDataConfig": {"KmsKeyId": "", "CompressionType": "GZIP", **job.request["OutputDataConfig"]},
        "StoppingCondition": job.request.get("StoppingCondition", {"MaxRuntimeInSeconds": 86400}),
        "SecondaryStatusTransitions": _transitions(job, place),
        "FinalMetricDataList": [_metric(point) for point in final_metrics],
        "ProfilingStatus": "Disabled",
        **({"FailureReason": job.failure_reason[:_MAX_REASON]} if job.failure_reason else {}),
    }


def training_record(job: Job, tags: dict[str, str], final_metrics: tuple[MetricPoint, ...]) -> dict[str, Any]:
    """As Search gives it."""
    description = training_description(job, final_metrics)
    record = {key: value for key, value in description.items() if key not in _NOT_IN_SEARCH}
    return {**record, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def training_summary(job: Job) -> dict[str, Any]:
    return {
        "TrainingJobName": job.name,
        "TrainingJobArn": job.arn,
        "CreationTime": job.created_at,
        "LastModifiedTime": job.modified_at,
        "TrainingJobStatus": str(job.status),
        "SecondaryStatus": str(job.phase),
        **({"TrainingEndTime": job.ended_at} if job.ended_at else {}),
    }


def model_uri(job: Job) -> str:
    output = job.request["OutputDataConfig"]
    name = "model/" if output.get("CompressionType") == "NONE" else "model.tar.gz"
    return f"{output['S3OutputPath'].rstrip('/')}/{job.name}/output/{name}"


def _times(job: Job) -> dict[str, Any]:
    times: dict[str, Any] = {"CreationTime": job.created_at, "LastModifiedTime": job.modified_at}
    if job.started_at:
        times["TrainingStartTime"] = job.started_at
    if job.ended_at:
        times["TrainingEndTime"] = job.ended_at
    if job.started_at and job.ended_at:
        seconds = _whole_seconds(job.ended_at - job.started_at)
        times |= {"TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": seconds}
    return times


def _whole_seconds(duration: dt.timedelta) -> int:
    """At least 1: AWS's model has no job that took no time."""
    return max(1, round(duration.total_seconds()))


def _transitions(job: Job, place: QueuePosition | None) -> list[dict[str, Any]]:
    transitions: list[dict[str, Any]] = [
        {
            "Status": str(past.phase),
            "StartTime": past.started_at,
            "StatusMessage": past.message,
            **({"EndTime": past.ended_at} if past.ended_at else {}),
        }
        for past in job.transitions
    ]
    if place is not None:
        transitions[-1]["StatusMessage"] += f", {place}"
    return transitions


def _metric(point: MetricPoint) -> dict[str, Any]:
    return {"MetricName": point.name, "Value": point.value, "Timestamp": point.time}
