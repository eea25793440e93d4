"""Processing jobs: create, describe, list, stop, delete."""

from naiad.service.domain.job import Job, JobKind
from naiad.service.experiments.catalog import ExperimentCatalog
from naiad.service.gateway.operation import Shape, operation
from naiad.service.gateway.operations.hidden_environment import visible_job
from naiad.service.gateway.operations.job_experiment import create_job, delete_job
from naiad.service.gateway.operations.job_query import failure_reason, job_query
from naiad.service.gateway.operations.paging import with_next_token
from naiad.service.gateway.signing.authenticator import Principal
from naiad.service.jobs.service import JobService

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
_MAX_MESSAGE = 1024


@operation(
    "sagemaker",
    "CreateProcessingJob",
    not_served="DatasetDefinition; AppManaged; FeatureStoreOutput; Pipe mode; VpcConfig. "
    "Kept without effect: roles, KMS keys, volumes",
)
def create_processing_job(
    jobs: JobService, experiments: ExperimentCatalog, principal: Principal, request: Shape
) -> Shape:
    return {"ProcessingJobArn": create_job(jobs, experiments, principal, _KIND, request).arn}


@operation(
    "sagemaker",
    "DescribeProcessingJob",
    not_served="MonitoringScheduleArn, AutoMLJobArn and TrainingJobArn are left out: there are none",
)
def describe_processing_job(jobs: JobService, principal: Principal, request: Shape) -> Shape:
    job = visible_job(principal, jobs.describe(_KIND, request["ProcessingJobName"]))
    return {
        "ProcessingInputs": [],
        **{key: job.request[key] for key in _AS_REQUESTED if key in job.request},
        **_summary(job),
        "StoppingCondition": job.request.get("StoppingCondition", {"MaxRuntimeInSeconds": 86400}),
        **({"ProcessingStartTime": job.started_at} if job.started_at else {}),
    }


@operation("sagemaker", "ListProcessingJobs")
def list_processing_jobs(jobs: JobService, request: Shape) -> Shape:
    page = jobs.find(job_query(_KIND, request))
    return with_next_token({"ProcessingJobSummaries": [_summary(job) for job in page.jobs]}, page.next_token)


@operation("sagemaker", "StopProcessingJob")
def stop_processing_job(jobs: JobService, request: Shape) -> Shape:
    jobs.stop(_KIND, request["ProcessingJobName"])
    return {}


@operation("sagemaker", "DeleteProcessingJob")
def delete_processing_job(jobs: JobService, experiments: ExperimentCatalog, request: Shape) -> Shape:
    delete_job(jobs, experiments, _KIND, request["ProcessingJobName"])
    return {}


def _summary(job: Job) -> Shape:
    return {
        "ProcessingJobName": job.name,
        "ProcessingJobArn": job.arn,
        "ProcessingJobStatus": str(job.status),
        "CreationTime": job.created_at,
        "LastModifiedTime": job.modified_at,
        **({"ProcessingEndTime": job.ended_at} if job.ended_at else {}),
        **({"FailureReason": reason} if (reason := failure_reason(job)) else {}),
        **({"ExitMessage": job.exit_message[:_MAX_MESSAGE]} if job.exit_message else {}),
    }
