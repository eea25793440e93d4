"""Training jobs: create, describe, list, stop, delete, update."""

from naiad.service.domain.errors import Invalid
from naiad.service.domain.job import JobKind
from naiad.service.experiments.catalog import ExperimentCatalog
from naiad.service.gateway.operation import Shape, operation
from naiad.service.gateway.operations.hidden_environment import visible_job
from naiad.service.gateway.operations.job_experiment import create_job, delete_job
from naiad.service.gateway.operations.job_query import job_query
from naiad.service.gateway.operations.paging import with_next_token
from naiad.service.gateway.operations.training_description import training_description, training_summary
from naiad.service.gateway.signing.authenticator import Principal
from naiad.service.jobs.metrics import final_metrics
from naiad.service.jobs.service import JobService

_KIND = JobKind.TRAINING


@operation(
    "sagemaker",
    "CreateTrainingJob",
    not_served="Pipe mode; FileSystemDataSource and DatasetSource; AugmentedManifestFile; AlgorithmName; groups of "
    "different instance types; VpcConfig; ServerlessJobConfig; "
    "ModelPackageConfig; MlflowConfig; SessionChainingConfig; training plans. Kept without effect: roles, "
    "KMS keys, volumes, spot prices, warm pools, profiler, debugger and TensorBoard settings",
)
def create_training_job(
    jobs: JobService, experiments: ExperimentCatalog, principal: Principal, request: Shape
) -> Shape:
    return {"TrainingJobArn": create_job(jobs, experiments, principal, _KIND, request).arn}


@operation(
    "sagemaker",
    "DescribeTrainingJob",
    not_served="WarmPoolStatus, rule evaluations and AutoML ARNs are left out: there are none",
)
def describe_training_job(jobs: JobService, principal: Principal, request: Shape) -> Shape:
    job = visible_job(principal, jobs.describe(_KIND, request["TrainingJobName"]))
    return training_description(job, final_metrics(jobs.instances(job)), jobs.queue_position(job))


@operation(
    "sagemaker",
    "ListTrainingJobs",
    not_served="no job has a warm pool or a training plan, so filters by them find nothing",
)
def list_training_jobs(jobs: JobService, request: Shape) -> Shape:
    if "WarmPoolStatusEquals" in request or "TrainingPlanArnEquals" in request:
        return {"TrainingJobSummaries": []}  # no job here has a warm pool or a training plan
    if request.get("StatusEquals") == "Deleting":
        return {"TrainingJobSummaries": []}  # a job is deleted at once
    page = jobs.find(job_query(_KIND, request))
    return with_next_token({"TrainingJobSummaries": [training_summary(job) for job in page.jobs]}, page.next_token)


@operation("sagemaker", "StopTrainingJob")
def stop_training_job(jobs: JobService, request: Shape) -> Shape:
    jobs.stop(_KIND, request["TrainingJobName"])
    return {}


@operation("sagemaker", "DeleteTrainingJob")
def delete_training_job(jobs: JobService, experiments: ExperimentCatalog, request: Shape) -> Shape:
    delete_job(jobs, experiments, _KIND, request["TrainingJobName"])
    return {}


@operation(
    "sagemaker",
    "UpdateTrainingJob",
    not_served="everything but ResourceConfig.KeepAlivePeriodInSeconds",
)
def update_training_job(jobs: JobService, request: Shape) -> Shape:
    """Changes only the keep-alive period: there are no profilers and no remote debugging here."""
    others = sorted(set(request) - {"TrainingJobName", "ResourceConfig"})
    if others:
        raise Invalid(f"{others[0]} cannot be changed here; only ResourceConfig.KeepAlivePeriodInSeconds can")
    period_s = request.get("ResourceConfig", {}).get("KeepAlivePeriodInSeconds", 0)
    return {"TrainingJobArn": jobs.keep_alive(request["TrainingJobName"], period_s).arn}
