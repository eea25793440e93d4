"""Transform jobs: create, describe, list, stop."""

from naiad.errors import OptionError
from naiad.service.domain.entity import EntityKind
from naiad.service.domain.errors import Invalid
from naiad.service.domain.job import Job, JobKind
from naiad.service.endpoints.control.catalog import ModelCatalog
from naiad.service.endpoints.control.model_request import single_container
from naiad.service.endpoints.transform.settings import parse_transform_request
from naiad.service.experiments.catalog import ExperimentCatalog
from naiad.service.gateway.object_limits import check_request
from naiad.service.gateway.operation import Shape, operation
from naiad.service.gateway.operations.hidden_environment import check_added_variables, visible_job
from naiad.service.gateway.operations.job_experiment import create_job
from naiad.service.gateway.operations.job_query import failure_reason, job_query
from naiad.service.gateway.operations.paging import with_next_token
from naiad.service.gateway.signing.authenticator import Principal
from naiad.service.jobs.service import JobService

_KIND = JobKind.TRANSFORM
_CONTAINER = "Container"
"""The key in the stored request for the model's container, so that the model may be deleted meanwhile. It is not shown."""


@operation(
    "sagemaker",
    "CreateTransformJob",
    not_served="SplitType RecordIO and TFRecord; AugmentedManifestFile; DataCaptureConfig. Kept without effect: KMS "
    "keys",
)
def create_transform_job(
    jobs: JobService, catalog: ModelCatalog, experiments: ExperimentCatalog, principal: Principal, request: Shape
) -> Shape:
    try:
        parse_transform_request(request)
    except OptionError as error:
        raise Invalid(str(error)) from error
    container = catalog.model_container(request["ModelName"])
    check_request(principal, container)
    model, variables = catalog.get(EntityKind.MODEL, request["ModelName"]), request.get("Environment", {})
    check_added_variables(principal, catalog, single_container(model.request), variables, model=model)
    stored = {**request, _CONTAINER: container}
    return {"TransformJobArn": create_job(jobs, experiments, principal, _KIND, stored).arn}


@operation(
    "sagemaker",
    "DescribeTransformJob",
    not_served="LabelingJobArn and AutoMLJobArn are left out: there are none",
)
def describe_transform_job(jobs: JobService, principal: Principal, request: Shape) -> Shape:
    job = visible_job(principal, jobs.describe(_KIND, request["TransformJobName"]))
    requested = {key: value for key, value in job.request.items() if key not in {_CONTAINER, "Tags"}}
    started = {"TransformStartTime": job.started_at} if job.started_at else {}
    summary = {key: value for key, value in _summary(job).items() if key != "LastModifiedTime"}
    return {**requested, **summary, **started}


@operation("sagemaker", "ListTransformJobs")
def list_transform_jobs(jobs: JobService, request: Shape) -> Shape:
    page = jobs.find(job_query(_KIND, request, default_order="Descending"))
    return with_next_token({"TransformJobSummaries": [_summary(job) for job in page.jobs]}, page.next_token)


@operation("sagemaker", "StopTransformJob")
def stop_transform_job(jobs: JobService, request: Shape) -> Shape:
    jobs.stop(_KIND, request["TransformJobName"])
    return {}


def _summary(job: Job) -> Shape:
    return {
        "TransformJobName": job.name,
        "TransformJobArn": job.arn,
        "TransformJobStatus": str(job.status),
        "CreationTime": job.created_at,
        "LastModifiedTime": job.modified_at,
        **({"TransformEndTime": job.ended_at} if job.ended_at else {}),
        **({"FailureReason": reason} if (reason := failure_reason(job)) else {}),
    }
