"""Endpoints: CreateEndpoint and its kin."""

from typing import Any

from naiad.service.contract.tags import tags_of
from naiad.service.domain.entity import Entity, EntityKind
from naiad.service.endpoints.rollout import Plan, VariantPlan
from naiad.service.endpoints.serving.deployment import VariantState
from naiad.service.gateway.operation import Context, operation
from naiad.service.gateway.operations.entity_listing import entity_query
from naiad.service.gateway.operations.listing import paged


@operation("sagemaker", "CreateEndpoint")
def create_endpoint(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    return {"EndpointArn": context.endpoints.create(asked, tags_of(asked)).arn}


@operation("sagemaker", "UpdateEndpoint")
def update_endpoint(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    return {"EndpointArn": context.endpoints.update(asked).arn}


@operation("sagemaker", "UpdateEndpointWeightsAndCapacities")
def update_endpoint_weights_and_capacities(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    wishes = asked["DesiredWeightsAndCapacities"]
    return {"EndpointArn": context.endpoints.set_weights(asked["EndpointName"], wishes).arn}


@operation("sagemaker", "DeleteEndpoint")
def delete_endpoint(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    context.endpoints.delete(asked["EndpointName"])
    return {}


@operation("sagemaker", "DescribeEndpoint")
def describe_endpoint(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    entity = context.endpoints.describe(asked["EndpointName"])
    running = "plan" in entity.detail
    plan = Plan.from_json(entity.detail["plan" if running else "next"]) if _has_plan(entity) else None
    states = context.endpoints.manager.look(entity.name)
    answer = {
        **_summary(entity),
        "EndpointConfigName": plan.config_name if plan else entity.request["EndpointConfigName"],
    }
    if "failure_reason" in entity.detail:
        answer["FailureReason"] = entity.detail["failure_reason"]
    if plan is not None:
        if running:
            answer["ProductionVariants"] = [_variant(one, states) for one in plan.variants]
        if running and plan.shadows:
            answer["ShadowProductionVariants"] = [_variant(one, states) for one in plan.shadows]
        if plan.asynchronous:
            answer["AsyncInferenceConfig"] = plan.asynchronous
    if running and "next" in entity.detail:
        answer["PendingDeploymentSummary"] = {
            "EndpointConfigName": entity.detail["next"]["config_name"],
            "StartTime": entity.modified_at,
        }
    return answer


@operation("sagemaker", "ListEndpoints")
def list_endpoints(context: Context, asked: dict[str, Any]) -> dict[str, Any]:
    page = context.endpoints.find(entity_query(EntityKind.ENDPOINT, asked, status=asked.get("StatusEquals")))
    return paged({"Endpoints": [_summary(entity) for entity in page.entities]}, page.next_token)


def _has_plan(entity: Entity) -> bool:
    return "plan" in entity.detail or "next" in entity.detail


def _summary(entity: Entity) -> dict[str, Any]:
    return {
        "EndpointName": entity.name,
        "EndpointArn": entity.arn,
        "EndpointStatus": entity.status,
        "CreationTime": entity.created_at,
        "LastModifiedTime": entity.modified_at,
    }


def _variant(plan: VariantPlan, states: dict[str, VariantState]) -> dict[str, Any]:
    state = states.get(plan.name, VariantState(0, plan.instances, 0))
    image = plan.container.get("Image", "")
    answer: dict[str, Any] = {
        "VariantName": plan.name,
        "CurrentWeight": plan.weight,
        "DesiredWeight": plan.weight,
        "CurrentInstanceCount": state.ready,
        "DesiredInstanceCount": state.wanted,
    }
    if image:
        answer["DeployedImages"] = [{"SpecifiedImage": image, "ResolvedImage": image}]
    if plan.serverless:
        answer["CurrentServerlessConfig"] = answer["DesiredServerlessConfig"] = plan.serverless
    if plan.scaling:
        answer["ManagedInstanceScaling"] = plan.scaling
    return answer
