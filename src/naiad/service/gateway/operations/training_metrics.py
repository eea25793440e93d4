"""The metrics of training jobs in CloudWatch's terms: namespace /aws/sagemaker/TrainingJobs, by the job's name."""

import datetime as dt
from collections.abc import Iterator

from naiad.service.domain.errors import NotFound
from naiad.service.domain.job import Job, JobKind
from naiad.service.gateway.operation import Shape
from naiad.service.gateway.operations.job_cursor import iterate_jobs, parse_cursor
from naiad.service.gateway.operations.metric_statistics import ValueSummary
from naiad.service.jobs.metrics import metric_files, read_metrics
from naiad.service.jobs.service import JobService
from naiad.service.metric_points import MetricPoint
from naiad.service.store.port import JobQuery

NAMESPACE = "/aws/sagemaker/TrainingJobs"
DIMENSION = "TrainingJobName"


def training_summaries(
    jobs: JobService, name: str, dimensions: list[Shape]
) -> Iterator[tuple[dt.datetime, ValueSummary]]:
    """Yields (time, value). Yields nothing for other dimensions or an unknown job, as CloudWatch does."""
    match dimensions:
        case [{"Name": "TrainingJobName", "Value": str(job_name)}]:
            try:
                job = jobs.describe(JobKind.TRAINING, job_name)
            except NotFound:
                return
            for point in _points(jobs, job):
                if point.name == name:
                    yield point.time, ValueSummary.of(point.value)


def list_training_metrics(jobs: JobService, request: Shape) -> Iterator[tuple[Shape, object]]:
    """Yields (metric in ListMetrics' shape, the next token after it), of one job or of all."""
    name = request.get("MetricName")
    job_name = next((one["Value"] for one in request.get("Dimensions", []) if "Value" in one), None)
    if job_name is None:
        query, cursor = JobQuery(JobKind.TRAINING, sort_by="name"), parse_cursor(request.get("NextToken"))
        yield from iterate_jobs(jobs.store, query, cursor, lambda job: _metrics(jobs, job, name))
        return
    try:
        job = jobs.describe(JobKind.TRAINING, job_name)
    except NotFound:
        return
    for metric in _metrics(jobs, job, name):
        yield metric, None


def _metrics(jobs: JobService, job: Job, name: str | None) -> list[Shape]:
    names = sorted({point.name for point in _points(jobs, job)})
    return [
        {"Namespace": NAMESPACE, "MetricName": one, "Dimensions": [{"Name": DIMENSION, "Value": job.name}]}
        for one in names
        if name in (None, one)
    ]


def _points(jobs: JobService, job: Job) -> Iterator[MetricPoint]:
    attempts = [jobs.instances(job, attempt=attempt) for attempt in range(1, job.attempt + 1)]
    files = dict.fromkeys(file for instances in attempts for file in metric_files(instances))
    yield from read_metrics(files)
