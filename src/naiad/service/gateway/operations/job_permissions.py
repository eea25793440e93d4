"""Operations that the program of a job may call with its key: those of the SageMaker SDK's Run, and the job's own description."""

from naiad.service.domain.errors import AccessDenied
from naiad.service.domain.job import Job, JobKind
from naiad.service.experiments.job_components import component_name
from naiad.service.gateway.operation import Shape

_DESCRIPTIONS = {
    "DescribeTrainingJob": (JobKind.TRAINING, "TrainingJobName"),
    "DescribeProcessingJob": (JobKind.PROCESSING, "ProcessingJobName"),
    "DescribeTransformJob": (JobKind.TRANSFORM, "TransformJobName"),
}
_RUNS = (
    *("CreateExperiment", "DescribeExperiment", "CreateTrial", "DescribeTrial"),
    *("CreateTrialComponent", "DescribeTrialComponent", "UpdateTrialComponent", "ListTrialComponents"),
    *("AssociateTrialComponent", "CreateArtifact", "AddAssociation", "Search"),
)
JOB_OPERATIONS = frozenset((*_RUNS, *_DESCRIPTIONS))
_SEARCHED = "ExperimentTrialComponent"
_CHANGES = ("UpdateTrialComponent", "AssociateTrialComponent")
_JOB_SUFFIXES = tuple(f"-aws-{kind}" for kind in JobKind)
"""The endings of the trial components that are made for jobs."""


def check_own_job(job: Job, operation: str, request: Shape) -> None:
    """Raises AccessDenied where a job describes another one, changes its component, or searches anything but components."""
    if operation == "Search" and request["Resource"] != _SEARCHED:
        raise AccessDenied(f"the key of a job may search {_SEARCHED} only, not {request['Resource']}")
    if operation in _CHANGES:
        _check_own_component(job, request["TrialComponentName"])
    if operation not in _DESCRIPTIONS:
        return
    kind, key = _DESCRIPTIONS[operation]
    if (job.kind, job.name) != (kind, request[key]):
        raise AccessDenied(f"the key of a job may describe that job only, not {kind} {request[key]}")


def _check_own_component(job: Job, name: str) -> None:
    if name.endswith(_JOB_SUFFIXES) and name != component_name(job):
        raise AccessDenied(f"the key of a job may change its own trial component and those of runs, not {name}")
