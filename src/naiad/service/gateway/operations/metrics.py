"""sagemaker-metrics: numbers that a program sends itself, kept beside those that the agent reads from its log."""

import datetime as dt
from typing import Any

from naiad.service.domain.errors import AccessDenied, LimitExceeded, NotFound
from naiad.service.domain.job import JobKind
from naiad.service.gateway.operation import Context, operation
from naiad.service.jobs.metrics import MetricPoint, append_metrics, put_metrics_file

_SUFFIX = "-aws-training-job"
"""Of the trial component that AWS makes for a training job."""


@operation("sagemaker-metrics", "BatchPutMetrics")
def batch_put_metrics(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    name = asked["TrialComponentName"].removesuffix(_SUFFIX)
    if context.principal.job is not None and context.principal.job.name != name:
        raise AccessDenied(f"a job may only put metrics of its own, not of {name}")
    points = [_point(given) for given in asked["MetricData"]]
    try:
        job = context.jobs.describe(JobKind.TRAINING, name)
        folder = context.jobs.instances(job, attempt=max(1, job.attempt))[0].folder.parent.parent
        append_metrics(put_metrics_file(folder), points)
    except (NotFound, FileNotFoundError):
        return _refused(points, "VALIDATION_ERROR")
    except LimitExceeded:
        return _refused(points, "METRIC_LIMIT_EXCEEDED")
    return {"Errors": []}


def _point(given: dict[str, Any]) -> MetricPoint:
    time = given["Timestamp"]
    aware = time if isinstance(time, dt.datetime) else dt.datetime.fromtimestamp(float(time), dt.UTC)
    return MetricPoint(given["MetricName"], float(given["Value"]), aware)


def _refused(points: list[MetricPoint], code: str) -> dict[str, Any]:
    return {"Errors": [{"Code": code, "MetricIndex": index} for index in range(len(points))]}
