"""Transform jobs: CreateTransformJob and its kin."""

from typing import Any

from naiad.errors import OptionError
from naiad.service.contract.tags import tags_of
from naiad.service.domain.errors import Invalid
from naiad.service.domain.job import Job, JobKind
from naiad.service.endpoints.transform.settings import parse_transform_request
from naiad.service.gateway.operation import Context, operation
from naiad.service.gateway.operations.listing import job_query, paged, reason_of

_KIND = JobKind.TRANSFORM
_CONTAINER = "Container"
"""Of the model as it was when the job was made, so that deleting it does no harm. Kept with the request, and not shown."""


@operation("sagemaker", "CreateTransformJob")
def create_transform_job(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    try:
        parse_transform_request(asked)
    except OptionError as error:
        raise Invalid(str(error)) from error
    container = context.catalog.model_container(asked["ModelName"])
    return {"TransformJobArn": context.jobs.create(_KIND, {**asked, _CONTAINER: container}, tags_of(asked)).arn}


@operation("sagemaker", "DescribeTransformJob")
def describe_transform_job(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    job = context.jobs.describe(_KIND, asked["TransformJobName"])
    shown = {key: value for key, value in job.request.items() if key not in {_CONTAINER, "Tags"}}
    started = {"TransformStartTime": job.started_at} if job.started_at else {}
    identity = {key: value for key, value in _identity(job).items() if key != "LastModifiedTime"}
    return {**shown, **identity, **started}


@operation("sagemaker", "ListTransformJobs")
def list_transform_jobs(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    page = context.jobs.find(job_query(_KIND, asked))
    return paged({"TransformJobSummaries": [_identity(job) for job in page.jobs]}, page.next_token)


@operation("sagemaker", "StopTransformJob")
def stop_transform_job(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    context.jobs.stop(_KIND, asked["TransformJobName"])
    return {}


def _identity(job: Job) -> dict[str, Any]:
    """What the description and the summary share."""
    return {
        "TransformJobName": job.name,
        "TransformJobArn": job.arn,
        "TransformJobStatus": str(job.status),
        "CreationTime": job.created_at,
        "LastModifiedTime": job.modified_at,
        **({"TransformEndTime": job.ended_at} if job.ended_at else {}),
        **({"FailureReason": reason} if (reason := reason_of(job)) else {}),
    }
