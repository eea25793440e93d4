"""A training job in the shapes that AWS's model has for it."""

import datetime as dt

from naiad.service.domain.job import Job
from naiad.service.domain.status import WAITING_PHASES
from naiad.service.gateway.operation import Shape
from naiad.service.jobs.pause import TUNING_ARN
from naiad.service.jobs.queue import QueuePosition
from naiad.service.metric_points import MetricPoint

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
_DEFAULTS: Shape = {
    "HyperParameters": {},
    "InputDataConfig": [],
    "EnableNetworkIsolation": False,
    "EnableInterContainerTrafficEncryption": False,
    "EnableManagedSpotTraining": False,
}
_MAX_REASON = 1024


def training_description(
    job: Job, final_metrics: tuple[MetricPoint, ...], queue_position: QueuePosition | None = None
) -> Shape:
    """Returns DescribeTrainingJob's output, with every member that the SDKs read without a check.

    ``queue_position``: of a job that waits.
    """
    requested = {key: job.request[key] for key in _AS_REQUESTED if key in job.request}
    return {
        **_DEFAULTS,
        **requested,
        **_times(job),
        "TrainingJobName": job.name,
        "TrainingJobArn": job.arn,
        "TrainingJobStatus": str(job.status),
        "SecondaryStatus": str(job.phase),
        "ModelArtifacts": {"S3ModelArtifacts": model_uri(job)},
        "OutputDataConfig": {"KmsKeyId": "", "CompressionType": "GZIP", **job.request["OutputDataConfig"]},
        "StoppingCondition": job.request.get("StoppingCondition", {"MaxRuntimeInSeconds": 86400}),
        "SecondaryStatusTransitions": _transitions(job, queue_position),
        "FinalMetricDataList": [_metric(point) for point in final_metrics],
        "ProfilingStatus": "Disabled",
        **({"TuningJobArn": job.request[TUNING_ARN]} if TUNING_ARN in job.request else {}),
        **({"FailureReason": job.failure_reason[:_MAX_REASON]} if job.failure_reason else {}),
    }


def training_summary(job: Job) -> Shape:
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


def _times(job: Job) -> Shape:
    times: Shape = {"CreationTime": job.created_at, "LastModifiedTime": job.modified_at}
    if job.started_at:
        times["TrainingStartTime"] = job.started_at
    if job.ended_at:
        times["TrainingEndTime"] = job.ended_at
    if job.started_at and job.ended_at:
        seconds = _whole_seconds(job.ended_at - job.started_at - _waiting_time(job))
        times |= {"TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": seconds}
    return times


def _waiting_time(job: Job) -> dt.timedelta:
    """Returns how long the job has held no cores between its attempts."""
    waits = [
        (transition.ended_at or job.modified_at) - transition.started_at
        for transition in job.transitions
        if transition.phase in WAITING_PHASES and job.started_at and transition.started_at >= job.started_at
    ]
    return sum(waits, dt.timedelta())


def _whole_seconds(duration: dt.timedelta) -> int:
    """Returns at least 1, because AWS's model has no job that took no time."""
    return max(1, round(duration.total_seconds()))


def _transitions(job: Job, queue_position: QueuePosition | None) -> list[Shape]:
    transitions: list[Shape] = [
        {
            "Status": str(transition.phase),
            "StartTime": transition.started_at,
            "StatusMessage": transition.message,
            **({"EndTime": transition.ended_at} if transition.ended_at else {}),
        }
        for transition in job.transitions
    ]
    if queue_position is not None:
        transitions[-1]["StatusMessage"] += f", {queue_position}"
    return transitions


def _metric(point: MetricPoint) -> Shape:
    return {"MetricName": point.name, "Value": point.value, "Timestamp": point.time}
