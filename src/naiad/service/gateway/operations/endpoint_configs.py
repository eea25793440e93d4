"""Endpoint configurations: create, describe, list, delete."""

from naiad.service.contract.tags import tags_of
from naiad.service.domain.entity import Entity, EntityKind
from naiad.service.endpoints.control.catalog import ModelCatalog
from naiad.service.gateway.operation import Shape, operation
from naiad.service.gateway.operations.entity_query import entity_query
from naiad.service.gateway.operations.paging import with_next_token

_KIND = EntityKind.ENDPOINT_CONFIG


@operation(
    "sagemaker",
    "CreateEndpointConfig",
    not_served="ExplainerConfig; DataCaptureConfig; inference components; InstancePools; capacity reservations; more "
    "than one shadow variant; NotificationConfig. Kept without effect: KMS keys, volumes, time limits of "
    "downloads",
)
def create_endpoint_config(catalog: ModelCatalog, request: Shape) -> Shape:
    return {"EndpointConfigArn": catalog.create_endpoint_config(request, tags_of(request)).arn}


@operation("sagemaker", "DescribeEndpointConfig")
def describe_endpoint_config(catalog: ModelCatalog, request: Shape) -> Shape:
    entity = catalog.endpoint_config(request["EndpointConfigName"])
    return {**entity.request, **_summary(entity)}


@operation("sagemaker", "ListEndpointConfigs")
def list_endpoint_configs(catalog: ModelCatalog, request: Shape) -> Shape:
    page = catalog.find(entity_query(_KIND, request))
    return with_next_token({"EndpointConfigs": [_summary(entity) for entity in page.entities]}, page.next_token)


@operation("sagemaker", "DeleteEndpointConfig")
def delete_endpoint_config(catalog: ModelCatalog, request: Shape) -> Shape:
    catalog.delete(_KIND, request["EndpointConfigName"])
    return {}


def _summary(entity: Entity) -> Shape:
    return {
        "EndpointConfigName": entity.name,
        "EndpointConfigArn": entity.arn,
        "CreationTime": entity.created_at,
    }
