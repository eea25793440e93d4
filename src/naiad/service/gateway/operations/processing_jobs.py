"""Processing jobs: CreateProcessingJob and its kin."""

from typing import Any

from naiad.service.contract.tags import tags_of
from naiad.service.domain.job import Job, JobKind
from naiad.service.gateway.operation import Context, operation
from naiad.service.gateway.operations.listing import job_query, paged, reason_of

_KIND = JobKind.PROCESSING
_AS_REQUESTED = (
    "ProcessingInputs",
    "ProcessingOutputConfig",
    "ProcessingResources",
    "AppSpecification",
    "Environment",
    "NetworkConfig",
    "RoleArn",
    "ExperimentConfig",
)
_MAX_REASON = 1024


@operation("sagemaker", "CreateProcessingJob")
def create_processing_job(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    return {"ProcessingJobArn": context.jobs.create(_KIND, asked, tags_of(asked)).arn}


@operation("sagemaker", "DescribeProcessingJob")
def describe_processing_job(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    job = context.jobs.describe(_KIND, asked["ProcessingJobName"])
    return {
        "ProcessingInputs": [],
        **{key: job.request[key] for key in _AS_REQUESTED if key in job.request},
        **_identity(job),
        "StoppingCondition": job.request.get("StoppingCondition", {"MaxRuntimeInSeconds": 86400}),
        **({"ProcessingStartTime": job.started_at} if job.started_at else {}),
    }


@operation("sagemaker", "ListProcessingJobs")
def list_processing_jobs(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    page = context.jobs.find(job_query(_KIND, asked))
    return paged({"ProcessingJobSummaries": [_identity(job) for job in page.jobs]}, page.next_token)


@operation("sagemaker", "StopProcessingJob")
def stop_processing_job(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    context.jobs.stop(_KIND, asked["ProcessingJobName"])
    return {}


@operation("sagemaker", "DeleteProcessingJob")
def delete_processing_job(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    context.jobs.delete(_KIND, asked["ProcessingJobName"])
    return {}


def _identity(job: Job) -> dict[str, Any]:
    """What the description and the summary share."""
    return {
        "ProcessingJobName": job.name,
        "ProcessingJobArn": job.arn,
        "ProcessingJobStatus": str(job.status),
        "CreationTime": job.created_at,
        "LastModifiedTime": job.modified_at,
        **({"ProcessingEndTime": job.ended_at} if job.ended_at else {}),
        **({"FailureReason": reason} if (reason := reason_of(job)) else {}),
        **({"ExitMessage": job.exit_message[:_MAX_REASON]} if job.exit_message else {}),
    }
