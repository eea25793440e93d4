"""Training jobs: CreateTrainingJob and its kin."""

from typing import Any

from naiad.service.contract.tags import tags_of
from naiad.service.domain.errors import Invalid
from naiad.service.domain.job import JobKind
from naiad.service.gateway.operation import Context, operation
from naiad.service.gateway.operations.listing import job_query, paged
from naiad.service.gateway.operations.training_answer import training_description, training_summary
from naiad.service.jobs.metrics import final_metrics

_KIND = JobKind.TRAINING


@operation("sagemaker", "CreateTrainingJob")
def create_training_job(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    return {"TrainingJobArn": context.jobs.create(_KIND, asked, tags_of(asked)).arn}


@operation("sagemaker", "DescribeTrainingJob")
def describe_training_job(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    job = context.jobs.describe(_KIND, asked["TrainingJobName"])
    return training_description(job, final_metrics(context.jobs.instances(job)), context.jobs.queue_position(job))


@operation("sagemaker", "ListTrainingJobs")
def list_training_jobs(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    if "WarmPoolStatusEquals" in asked or "TrainingPlanArnEquals" in asked:
        return {"TrainingJobSummaries": []}  # no job here has a warm pool or a plan
    page = context.jobs.find(job_query(_KIND, asked))
    return paged({"TrainingJobSummaries": [training_summary(job) for job in page.jobs]}, page.next_token)


@operation("sagemaker", "StopTrainingJob")
def stop_training_job(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    context.jobs.stop(_KIND, asked["TrainingJobName"])
    return {}


@operation("sagemaker", "DeleteTrainingJob")
def delete_training_job(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    context.jobs.delete(_KIND, asked["TrainingJobName"])
    return {}


@operation("sagemaker", "UpdateTrainingJob")
def update_training_job(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    """Profilers and remote debugging have nothing behind them here: only the keep-alive period changes."""
    others = sorted(set(asked) - {"TrainingJobName", "ResourceConfig"})
    if others:
        raise Invalid(f"{others[0]} cannot be changed here; only ResourceConfig.KeepAlivePeriodInSeconds can")
    period_s = asked.get("ResourceConfig", {}).get("KeepAlivePeriodInSeconds", 0)
    return {"TrainingJobArn": context.jobs.keep_alive(asked["TrainingJobName"], period_s).arn}
