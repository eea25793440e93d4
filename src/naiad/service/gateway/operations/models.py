"""Models: CreateModel and its kin."""

from typing import Any

from naiad.service.contract.tags import tags_of
from naiad.service.domain.entity import Entity, EntityKind
from naiad.service.gateway.operation import Context, operation
from naiad.service.gateway.operations.entity_listing import entity_query
from naiad.service.gateway.operations.listing import paged

_KIND = EntityKind.MODEL


@operation("sagemaker", "CreateModel")
def create_model(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    return {"ModelArn": context.catalog.create_model(asked, tags_of(asked)).arn}


@operation("sagemaker", "DescribeModel")
def describe_model(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    entity = context.catalog.get(_KIND, asked["ModelName"])
    return {**entity.request, **_summary(entity)}


@operation("sagemaker", "ListModels")
def list_models(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    page = context.catalog.find(entity_query(_KIND, asked))
    return paged({"Models": [_summary(entity) for entity in page.entities]}, page.next_token)


@operation("sagemaker", "DeleteModel")
def delete_model(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    context.catalog.delete(_KIND, asked["ModelName"])
    return {}


def _summary(entity: Entity) -> dict[str, Any]:
    return {"ModelName": entity.name, "ModelArn": entity.arn, "CreationTime": entity.created_at}
