"""Artifacts of lineage: create, describe, list, update, delete."""

from naiad.service.contract.tags import tags_of
from naiad.service.domain.entity import Entity, EntityKind
from naiad.service.experiments.catalog import ExperimentCatalog
from naiad.service.gateway.operation import Shape, operation
from naiad.service.gateway.operations.entity_query import entity_query
from naiad.service.gateway.operations.filtered_page import filtered_page
from naiad.service.gateway.operations.paging import with_next_token


@operation("sagemaker", "CreateArtifact")
def create_artifact(experiments: ExperimentCatalog, request: Shape) -> Shape:
    return {"ArtifactArn": experiments.lineage.create_artifact(request, tags_of(request)).arn}


@operation("sagemaker", "DescribeArtifact")
def describe_artifact(experiments: ExperimentCatalog, request: Shape) -> Shape:
    entity = experiments.lineage.artifact(request["ArtifactArn"])
    return {"Properties": {}, **entity.request, **_summary(entity), "CreatedBy": {}, "LastModifiedBy": {}}


@operation("sagemaker", "ListArtifacts")
def list_artifacts(experiments: ExperimentCatalog, request: Shape) -> Shape:
    query = entity_query(EntityKind.ARTIFACT, request, time_name="Created")
    entities, token = filtered_page(experiments.records.find, query, lambda entity: _is_listed(entity, request))
    return with_next_token({"ArtifactSummaries": [_summary(entity) for entity in entities]}, token)


@operation("sagemaker", "UpdateArtifact")
def update_artifact(experiments: ExperimentCatalog, request: Shape) -> Shape:
    return {"ArtifactArn": experiments.lineage.update_artifact(request).arn}


@operation("sagemaker", "DeleteArtifact", not_served="an artifact is deleted by its ARN, not by its Source")
def delete_artifact(experiments: ExperimentCatalog, request: Shape) -> Shape:
    return {"ArtifactArn": experiments.lineage.delete_artifact(request).arn}


def _is_listed(entity: Entity, request: Shape) -> bool:
    source_uri, kind = request.get("SourceUri"), request.get("ArtifactType")
    return source_uri in (None, entity.request["Source"]["SourceUri"]) and kind in (
        None,
        entity.request["ArtifactType"],
    )


def _summary(entity: Entity) -> Shape:
    name = entity.request.get("ArtifactName")
    return {
        "ArtifactArn": entity.arn,
        "Source": entity.request["Source"],
        "ArtifactType": entity.request["ArtifactType"],
        "CreationTime": entity.created_at,
        "LastModifiedTime": entity.modified_at,
        **({"ArtifactName": name} if name else {}),
    }
