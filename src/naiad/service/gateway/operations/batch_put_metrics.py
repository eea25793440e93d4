"""SageMaker's metrics service: values that a program sends itself, stored beside those that the agent reads from its log."""

import datetime as dt

from naiad.service.domain.errors import AccessDenied, LimitExceeded, NotFound
from naiad.service.domain.job import JobKind
from naiad.service.gateway.operation import Shape, operation
from naiad.service.gateway.signing.authenticator import Principal
from naiad.service.jobs.metrics import MetricPoint, append_metrics, put_metrics_file
from naiad.service.jobs.service import JobService

_SUFFIX = "-aws-training-job"
"""The ending of the trial component that AWS makes for a training job."""


@operation("sagemaker-metrics", "BatchPutMetrics")
def batch_put_metrics(jobs: JobService, principal: Principal, request: Shape) -> Shape:
    name = request["TrialComponentName"].removesuffix(_SUFFIX)
    if principal.job is not None and principal.job.name != name:
        raise AccessDenied(f"a job may only put metrics of its own, not of {name}")
    points = [_point(metric) for metric in request["MetricData"]]
    try:
        job = jobs.describe(JobKind.TRAINING, name)
        folder = jobs.instances(job, attempt=max(1, job.attempt))[0].folder.parent.parent
        append_metrics(put_metrics_file(folder), points)
    except (NotFound, FileNotFoundError):
        return _errors(points, "VALIDATION_ERROR")
    except LimitExceeded:
        return _errors(points, "METRIC_LIMIT_EXCEEDED")
    return {"Errors": []}


def _point(metric: Shape) -> MetricPoint:
    time = metric["Timestamp"]
    aware = time if isinstance(time, dt.datetime) else dt.datetime.fromtimestamp(float(time), dt.UTC)
    return MetricPoint(metric["MetricName"], float(metric["Value"]), aware)


def _errors(points: list[MetricPoint], code: str) -> Shape:
    return {"Errors": [{"Code": code, "MetricIndex": index} for index in range(len(points))]}
