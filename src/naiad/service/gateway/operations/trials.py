"""Trials: create, describe, list, update, delete."""

from dataclasses import replace

from naiad.service.contract.tags import tags_of
from naiad.service.domain.entity import Entity, EntityKind
from naiad.service.experiments.catalog import ExperimentCatalog
from naiad.service.gateway.operation import Shape, operation
from naiad.service.gateway.operations.entity_query import entity_query
from naiad.service.gateway.operations.paging import with_next_token


@operation("sagemaker", "CreateTrial")
def create_trial(experiments: ExperimentCatalog, request: Shape) -> Shape:
    return {"TrialArn": experiments.experiments.create_trial(request, tags_of(request)).arn}


@operation("sagemaker", "DescribeTrial")
def describe_trial(experiments: ExperimentCatalog, request: Shape) -> Shape:
    return trial_record(experiments.experiments.get_trial(request["TrialName"]))


@operation("sagemaker", "ListTrials")
def list_trials(experiments: ExperimentCatalog, request: Shape) -> Shape:
    query = entity_query(EntityKind.TRIAL, request, time_name="Created")
    if "ExperimentName" in request:
        query = replace(query, member_of=experiments.experiments.get(request["ExperimentName"]).arn)
    if "TrialComponentName" in request:
        query = replace(query, with_member=experiments.components.get(request["TrialComponentName"]).arn)
    page = experiments.records.find(query)
    return with_next_token({"TrialSummaries": [_summary(entity) for entity in page.entities]}, page.next_token)


@operation("sagemaker", "UpdateTrial")
def update_trial(experiments: ExperimentCatalog, request: Shape) -> Shape:
    return {"TrialArn": experiments.experiments.update_trial(request).arn}


@operation("sagemaker", "DeleteTrial")
def delete_trial(experiments: ExperimentCatalog, request: Shape) -> Shape:
    return {"TrialArn": experiments.experiments.delete_trial(request["TrialName"]).arn}


def trial_record(entity: Entity) -> Shape:
    """Returns the trial as it is described."""
    metadata = entity.request.get("MetadataProperties")
    return {
        **_summary(entity),
        "ExperimentName": entity.request["ExperimentName"],
        "CreatedBy": {},
        "LastModifiedBy": {},
        **({"MetadataProperties": metadata} if metadata else {}),
    }


def _summary(entity: Entity) -> Shape:
    return {
        "TrialName": entity.name,
        "TrialArn": entity.arn,
        "DisplayName": entity.request.get("DisplayName", entity.name),
        "CreationTime": entity.created_at,
        "LastModifiedTime": entity.modified_at,
    }
