"""SageMaker's metrics service: values that a program or a run of an experiment sends itself."""

import datetime as dt
import math
from collections.abc import Sequence

from naiad.service.domain.errors import AccessDenied, LimitExceeded, NotFound
from naiad.service.domain.job import JobKind
from naiad.service.experiments.catalog import ExperimentCatalog
from naiad.service.gateway.operation import Shape, operation
from naiad.service.gateway.signing.authenticator import Principal
from naiad.service.jobs.metrics import put_metrics_file
from naiad.service.jobs.service import JobService
from naiad.service.metric_points import MetricPoint, append_points

_SUFFIX = "-aws-training-job"
"""The ending of the trial component that AWS makes for a training job."""


@operation("sagemaker-metrics", "BatchPutMetrics")
def batch_put_metrics(jobs: JobService, experiments: ExperimentCatalog, principal: Principal, request: Shape) -> Shape:
    """Stores what is finite, and names the others by their index. A job puts metrics of its own, and of runs."""
    data = request["MetricData"]
    not_finite = [index for index, metric in enumerate(data) if not math.isfinite(float(metric["Value"]))]
    finite = [metric for index, metric in enumerate(data) if index not in not_finite]
    try:
        if _is_run(experiments, request["TrialComponentName"]):
            points = [_run_point(metric) for metric in finite]
            experiments.components.put_metrics(request["TrialComponentName"], points)
        else:
            _put_job_metrics(jobs, principal, request["TrialComponentName"], finite)
    except (NotFound, FileNotFoundError):
        return _errors(range(len(data)), "VALIDATION_ERROR")
    except LimitExceeded:
        return _errors(range(len(data)), "METRIC_LIMIT_EXCEEDED")
    return _errors(not_finite, "VALIDATION_ERROR")


def _is_run(experiments: ExperimentCatalog, name: str) -> bool:
    """Whether there is a trial component of this name that no job stands behind."""
    try:
        return experiments.job_components.source_job(experiments.components.get(name)) is None
    except NotFound:
        return False


def _put_job_metrics(jobs: JobService, principal: Principal, component: str, data: Sequence[Shape]) -> None:
    """Raises AccessDenied for the key of another job, NotFound, FileNotFoundError for a job that was never placed."""
    name = component.removesuffix(_SUFFIX)
    if principal.job is not None and principal.job.name != name:
        raise AccessDenied(f"a job may only put metrics of its own, not of {name}")
    job = jobs.describe(JobKind.TRAINING, name)
    folder = jobs.instances(job, attempt=max(1, job.attempt))[0].folder.parent.parent
    points = [MetricPoint(metric["MetricName"], float(metric["Value"]), _time(metric)) for metric in data]
    append_points(put_metrics_file(folder), points, owner="a job")


def _run_point(metric: Shape) -> MetricPoint:
    value = float(metric["Value"])
    return MetricPoint(metric["MetricName"], value, _time(metric), metric.get("Step"))


def _time(metric: Shape) -> dt.datetime:
    time: object = metric["Timestamp"]
    return time if isinstance(time, dt.datetime) else dt.datetime.fromtimestamp(float(str(time)), dt.UTC)


def _errors(indices: Sequence[int], code: str) -> Shape:
    return {"Errors": [{"Code": code, "MetricIndex": index} for index in indices]}
