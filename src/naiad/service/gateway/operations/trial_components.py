"""Trial components: create, describe, list, update, delete, associate, disassociate."""

from dataclasses import replace

from naiad.service.contract.tags import tags_of
from naiad.service.domain.entity import EntityKind
from naiad.service.domain.errors import Invalid
from naiad.service.experiments.catalog import ExperimentCatalog
from naiad.service.experiments.job_components import source_key
from naiad.service.gateway.operation import Shape, operation
from naiad.service.gateway.operations.entity_query import entity_query
from naiad.service.gateway.operations.paging import with_next_token
from naiad.service.gateway.operations.trial_component_record import (
    component_metrics,
    component_record,
    component_summary,
    source_job,
)
from naiad.service.jobs.service import JobService

_GROUPS = ("ExperimentName", "TrialName", "SourceArn")


@operation("sagemaker", "CreateTrialComponent")
def create_trial_component(experiments: ExperimentCatalog, request: Shape) -> Shape:
    return {"TrialComponentArn": experiments.components.create(request, tags_of(request)).arn}


@operation(
    "sagemaker",
    "DescribeTrialComponent",
    not_served="LineageGroupArn",
)
def describe_trial_component(experiments: ExperimentCatalog, jobs: JobService, request: Shape) -> Shape:
    entity = experiments.components.get(request["TrialComponentName"])
    sources = experiments.job_components.sources(entity)
    job = source_job(experiments, jobs, entity)
    metrics = component_metrics(experiments, jobs, entity, job)
    return {**component_record(entity, job, metrics), "Sources": sources}


@operation("sagemaker", "ListTrialComponents")
def list_trial_components(experiments: ExperimentCatalog, jobs: JobService, request: Shape) -> Shape:
    query = replace(
        entity_query(EntityKind.TRIAL_COMPONENT, request, time_name="Created"), member_of=_group(experiments, request)
    )
    page = experiments.records.find(query)
    summaries = [component_summary(entity, source_job(experiments, jobs, entity)) for entity in page.entities]
    return with_next_token({"TrialComponentSummaries": summaries}, page.next_token)


@operation("sagemaker", "UpdateTrialComponent")
def update_trial_component(experiments: ExperimentCatalog, request: Shape) -> Shape:
    return {"TrialComponentArn": experiments.components.update(request).arn}


@operation("sagemaker", "DeleteTrialComponent")
def delete_trial_component(experiments: ExperimentCatalog, request: Shape) -> Shape:
    return {"TrialComponentArn": experiments.components.delete(request["TrialComponentName"]).arn}


@operation("sagemaker", "AssociateTrialComponent")
def associate_trial_component(experiments: ExperimentCatalog, request: Shape) -> Shape:
    component, trial = experiments.components.associate(request["TrialComponentName"], request["TrialName"])
    return {"TrialComponentArn": component.arn, "TrialArn": trial.arn}


@operation("sagemaker", "DisassociateTrialComponent")
def disassociate_trial_component(experiments: ExperimentCatalog, request: Shape) -> Shape:
    component, trial = experiments.components.disassociate(request["TrialComponentName"], request["TrialName"])
    return {"TrialComponentArn": component, "TrialArn": trial}


def _group(experiments: ExperimentCatalog, request: Shape) -> str | None:
    """Returns the ARN whose members are listed. Raises ResourceNotFound; Invalid for two of them."""
    given = [name for name in _GROUPS if name in request]
    if len(given) > 1:
        raise Invalid(f"{' and '.join(given)} are given; give one of {', '.join(_GROUPS)}")
    if "ExperimentName" in request:
        return experiments.experiments.get(request["ExperimentName"]).arn
    if "TrialName" in request:
        return experiments.experiments.get_trial(request["TrialName"]).arn
    return source_key(request["SourceArn"]) if "SourceArn" in request else None
