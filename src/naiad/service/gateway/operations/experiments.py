"""Experiments: create, describe, list, update, delete."""

from naiad.service.contract.tags import tags_of
from naiad.service.domain.entity import Entity, EntityKind
from naiad.service.experiments.catalog import ExperimentCatalog
from naiad.service.gateway.operation import Shape, operation
from naiad.service.gateway.operations.entity_query import entity_query
from naiad.service.gateway.operations.paging import with_next_token


@operation("sagemaker", "CreateExperiment")
def create_experiment(experiments: ExperimentCatalog, request: Shape) -> Shape:
    return {"ExperimentArn": experiments.experiments.create(request, tags_of(request)).arn}


@operation("sagemaker", "DescribeExperiment")
def describe_experiment(experiments: ExperimentCatalog, request: Shape) -> Shape:
    return experiment_record(experiments.experiments.get(request["ExperimentName"]))


@operation("sagemaker", "ListExperiments")
def list_experiments(experiments: ExperimentCatalog, request: Shape) -> Shape:
    page = experiments.records.find(entity_query(EntityKind.EXPERIMENT, request, time_name="Created"))
    return with_next_token({"ExperimentSummaries": [_summary(entity) for entity in page.entities]}, page.next_token)


@operation("sagemaker", "UpdateExperiment")
def update_experiment(experiments: ExperimentCatalog, request: Shape) -> Shape:
    return {"ExperimentArn": experiments.experiments.update(request).arn}


@operation("sagemaker", "DeleteExperiment")
def delete_experiment(experiments: ExperimentCatalog, request: Shape) -> Shape:
    return {"ExperimentArn": experiments.experiments.delete(request["ExperimentName"]).arn}


def experiment_record(entity: Entity) -> Shape:
    """Returns the experiment as it is described, and as Search shows it."""
    description = entity.request.get("Description")
    return {
        **_summary(entity),
        "CreatedBy": {},
        "LastModifiedBy": {},
        **({"Description": description} if description is not None else {}),
    }


def _summary(entity: Entity) -> Shape:
    return {
        "ExperimentName": entity.name,
        "ExperimentArn": entity.arn,
        "DisplayName": entity.request.get("DisplayName", entity.name),
        "CreationTime": entity.created_at,
        "LastModifiedTime": entity.modified_at,
    }
