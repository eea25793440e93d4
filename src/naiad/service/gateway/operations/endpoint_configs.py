"""Endpoint configurations: CreateEndpointConfig and its kin."""

from typing import Any

from naiad.service.contract.tags import tags_of
from naiad.service.domain.entity import Entity, EntityKind
from naiad.service.gateway.operation import Context, operation
from naiad.service.gateway.operations.entity_listing import entity_query
from naiad.service.gateway.operations.listing import paged

_KIND = EntityKind.ENDPOINT_CONFIG


@operation("sagemaker", "CreateEndpointConfig")
def create_endpoint_config(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    return {"EndpointConfigArn": context.catalog.create_endpoint_config(asked, tags_of(asked)).arn}


@operation("sagemaker", "DescribeEndpointConfig")
def describe_endpoint_config(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    entity = context.catalog.endpoint_config(asked["EndpointConfigName"])
    return {**entity.request, **_summary(entity)}


@operation("sagemaker", "ListEndpointConfigs")
def list_endpoint_configs(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    page = context.catalog.find(entity_query(_KIND, asked))
    return paged({"EndpointConfigs": [_summary(entity) for entity in page.entities]}, page.next_token)


@operation("sagemaker", "DeleteEndpointConfig")
def delete_endpoint_config(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    context.catalog.delete(_KIND, asked["EndpointConfigName"])
    return {}


def _summary(entity: Entity) -> dict[str, Any]:
    return {
        "EndpointConfigName": entity.name,
        "EndpointConfigArn": entity.arn,
        "CreationTime": entity.created_at,
    }
