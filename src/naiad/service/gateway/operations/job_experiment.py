"""The experiment that a job's request names: checked before the job is made, and told of the job after it."""

from collections.abc import Iterator, Mapping

from naiad.service.contract.tags import tags_of
from naiad.service.domain.job import Job, JobKind
from naiad.service.domain.scope import Creator
from naiad.service.experiments.catalog import ExperimentCatalog
from naiad.service.experiments.job_components import component_parameters
from naiad.service.gateway.operation import Shape
from naiad.service.gateway.operations.training_description import model_uri
from naiad.service.gateway.operations.trial_component_record import job_metric_summaries, job_values
from naiad.service.gateway.signing.authenticator import Principal
from naiad.service.jobs.service import JobService

_MAX_ARTIFACTS = 60
_MAX_VALUE = 2048


def create_job(
    jobs: JobService,
    experiments: ExperimentCatalog,
    principal: Principal,
    kind: JobKind,
    request: Shape,
) -> Job:
    """Makes a job of the caller's, and its trial component where the request has an ExperimentConfig. Raises as both do."""
    creator, tags = Creator(principal.permanent_key, principal.limits), tags_of(request)
    config = request.get("ExperimentConfig")
    if not config:
        return jobs.create(kind, request, tags, creator)
    experiments.job_components.check(config)
    job = jobs.create(kind, request, tags, creator)
    experiments.job_components.add(job, _component_values(job))
    return job


def delete_job(jobs: JobService, experiments: ExperimentCatalog, kind: JobKind, name: str) -> None:
    """Deletes a job; its trial component keeps status, times and metrics. Raises as ``jobs.delete`` does."""
    job = jobs.describe(kind, name)
    is_kept = job.status.is_final and "ExperimentConfig" in job.request
    values = {**job_values(job), "Metrics": job_metric_summaries(jobs, job)} if is_kept else {}
    jobs.delete(kind, name)
    if is_kept:
        experiments.job_components.freeze(job, values)


def _component_values(job: Job) -> Shape:
    parameters, inputs, outputs = _READERS[job.kind](job)
    return {
        "Parameters": component_parameters(parameters),
        "InputArtifacts": dict(list(_artifacts(inputs))[:_MAX_ARTIFACTS]),
        "OutputArtifacts": dict(list(_artifacts(outputs))[:_MAX_ARTIFACTS]),
    }


def _artifacts(uris: Mapping[str, str]) -> Iterator[tuple[str, Shape]]:
    for name, uri in uris.items():
        if uri:
            yield name, {"Value": uri[:_MAX_VALUE]}


_Parts = tuple[Shape, dict[str, str], dict[str, str]]
"""Parameters, URIs of inputs and URIs of outputs, by name."""


def _training_parts(job: Job) -> _Parts:
    request, resources = job.request, job.request["ResourceConfig"]
    parameters = {
        **request.get("HyperParameters", {}),
        **{
            f"SageMaker.{key}": resources[key]
            for key in ("InstanceType", "InstanceCount", "VolumeSizeInGB")
            if key in resources
        },
    }
    inputs = {"SageMaker.ImageUri": request["AlgorithmSpecification"].get("TrainingImage", "")}
    for channel in request.get("InputDataConfig", ()):
        inputs[channel["ChannelName"]] = channel["DataSource"].get("S3DataSource", {}).get("S3Uri", "")
    return parameters, inputs, {"SageMaker.ModelArtifact": model_uri(job)}


def _processing_parts(job: Job) -> _Parts:
    request = job.request
    cluster = request["ProcessingResources"]["ClusterConfig"]
    parameters = {f"SageMaker.{key}": cluster[key] for key in ("InstanceType", "InstanceCount")}
    inputs = {"SageMaker.ImageUri": request["AppSpecification"].get("ImageUri", "")}
    inputs |= {
        each["InputName"]: each.get("S3Input", {}).get("S3Uri", "") for each in request.get("ProcessingInputs", ())
    }
    outputs = request.get("ProcessingOutputConfig", {}).get("Outputs", ())
    return parameters, inputs, {each["OutputName"]: each.get("S3Output", {}).get("S3Uri", "") for each in outputs}


def _transform_parts(job: Job) -> _Parts:
    request = job.request
    resources = request["TransformResources"]
    parameters = {f"SageMaker.{key}": resources[key] for key in ("InstanceType", "InstanceCount")}
    uri = request["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
    outputs = {"SageMaker.TransformOutput": request["TransformOutput"]["S3OutputPath"]}
    return {**parameters, "SageMaker.ModelName": request["ModelName"]}, {"SageMaker.TransformInput": uri}, outputs


_READERS = {
    JobKind.TRAINING: _training_parts,
    JobKind.PROCESSING: _processing_parts,
    JobKind.TRANSFORM: _transform_parts,
}
