"""A trial component in the shapes that AWS's model has for it: what was stored, and the state of the job that it stands for."""

from collections.abc import Iterator, Sequence

from naiad.service.domain.entity import Entity
from naiad.service.domain.errors import NotFound
from naiad.service.domain.job import Job
from naiad.service.experiments.catalog import ExperimentCatalog
from naiad.service.experiments.component_metrics import component_file, metric_summaries
from naiad.service.experiments.json_times import from_stored
from naiad.service.gateway.operation import Shape
from naiad.service.jobs.metrics import metric_files, read_metrics
from naiad.service.jobs.service import JobService
from naiad.service.metric_points import read_points

_FINAL_MESSAGE = "Status: {}, secondary status: {}, failure reason: {}."
_MAX_MESSAGE = 1024
_MAPS = ("Parameters", "InputArtifacts", "OutputArtifacts")


def component_summary(entity: Entity, job: Job | None) -> Shape:
    """``job``: the one that ``source_job`` returns, whose state is the component's."""
    values = {**from_stored(entity.request), **({} if job is None else job_values(job))}
    source = values.get("Source")
    return {
        "TrialComponentName": entity.name,
        "TrialComponentArn": entity.arn,
        "DisplayName": values.get("DisplayName", entity.name),
        "CreationTime": entity.created_at,
        "CreatedBy": {},
        "LastModifiedTime": entity.modified_at,
        "LastModifiedBy": {},
        **({"TrialComponentSource": source} if source else {}),
        **{key: values[key] for key in ("Status", "StartTime", "EndTime") if key in values},
    }


def component_record(entity: Entity, job: Job | None, metrics: Sequence[Shape]) -> Shape:
    """Returns the component as it is described, without Sources, and with Source for a job's."""
    summary = component_summary(entity, job)
    source = summary.pop("TrialComponentSource", None)
    metadata = entity.request.get("MetadataProperties")
    return {
        **summary,
        **{key: entity.request.get(key, {}) for key in _MAPS},
        "Metrics": list(metrics),
        **({"Source": source} if source else {}),
        **({"MetadataProperties": metadata} if metadata else {}),
    }


def component_metrics(experiments: ExperimentCatalog, jobs: JobService, entity: Entity, job: Job | None) -> list[Shape]:
    """Returns the summaries of what was put to the component, and of what its job has measured. Reads files."""
    folder = experiments.components.state_folder
    summaries = metric_summaries(read_points(component_file(folder, entity.name)), entity.arn)
    if job is not None:
        summaries += job_metric_summaries(jobs, job)
    return summaries + list(from_stored(entity.request.get("Metrics", [])))


def job_metric_summaries(jobs: JobService, job: Job) -> list[Shape]:
    return metric_summaries(read_metrics(metric_files(jobs.instances(job))), job.arn)


def job_values(job: Job) -> Shape:
    """Returns Status, StartTime and EndTime of a job's component."""
    reason = job.failure_reason or ""
    message = _FINAL_MESSAGE.format(job.status, job.phase, reason)[:_MAX_MESSAGE]
    times = {"StartTime": job.started_at, "EndTime": job.ended_at}
    return {
        "Status": {"PrimaryStatus": str(job.status), "Message": message},
        **{name: time for name, time in times.items() if time is not None},
    }


def component_parents(trials: tuple[Entity, ...]) -> Iterator[Shape]:
    for trial in trials:
        yield {"TrialName": trial.name, "ExperimentName": trial.request["ExperimentName"]}


def source_job(experiments: ExperimentCatalog, jobs: JobService, entity: Entity) -> Job | None:
    """Returns the job that the component stands for; None without one, and once it is deleted."""
    source = experiments.job_components.source_job(entity)
    if source is None:
        return None
    try:
        job = jobs.store.get(*source)
    except NotFound:
        return None
    return job if job.created_at <= entity.created_at else None
