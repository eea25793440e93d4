"""Models: create, describe, list, delete."""

from naiad.service.contract.tags import tags_of
from naiad.service.domain.entity import Entity, EntityKind
from naiad.service.endpoints.control.catalog import ModelCatalog
from naiad.service.endpoints.control.model_request import single_container
from naiad.service.gateway.object_limits import check_request
from naiad.service.gateway.operation import Shape, operation
from naiad.service.gateway.operations.entity_query import entity_query
from naiad.service.gateway.operations.hidden_environment import check_added_variables, visible_entity
from naiad.service.gateway.operations.paging import with_next_token
from naiad.service.gateway.signing.authenticator import Principal

_KIND = EntityKind.MODEL


@operation(
    "sagemaker",
    "CreateModel",
    not_served="more than one container; Mode MultiModel; AdditionalModelDataSources; ImageConfig; containers "
    "without model data. Kept without effect: roles, VpcConfig, EnableNetworkIsolation",
)
def create_model(catalog: ModelCatalog, principal: Principal, request: Shape) -> Shape:
    check_request(principal, catalog.resolve_container(request))
    container = single_container(request)
    check_added_variables(principal, catalog, container, container.get("Environment", {}))
    return {"ModelArn": catalog.create_model(request, tags_of(request), principal.permanent_key).arn}


@operation("sagemaker", "DescribeModel")
def describe_model(catalog: ModelCatalog, principal: Principal, request: Shape) -> Shape:
    return model_description(visible_entity(principal, catalog.get(_KIND, request["ModelName"])))


@operation("sagemaker", "ListModels")
def list_models(catalog: ModelCatalog, request: Shape) -> Shape:
    page = catalog.find(entity_query(_KIND, request))
    return with_next_token({"Models": [_summary(entity) for entity in page.entities]}, page.next_token)


@operation("sagemaker", "DeleteModel")
def delete_model(catalog: ModelCatalog, request: Shape) -> Shape:
    catalog.delete(_KIND, request["ModelName"])
    return {}


def model_description(entity: Entity) -> Shape:
    return {**entity.request, **_summary(entity)}


def _summary(entity: Entity) -> Shape:
    return {"ModelName": entity.name, "ModelArn": entity.arn, "CreationTime": entity.created_at}
