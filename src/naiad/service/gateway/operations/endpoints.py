"""Operations of endpoints: CreateEndpoint and its relatives."""

from typing import Any

from naiad.service.contract.tags import tags_of
from naiad.service.domain.entity import Entity, EntityKind
from naiad.service.endpoints.endpoint_detail import EndpointDetail
from naiad.service.endpoints.rollout import RolloutVariant
from naiad.service.endpoints.serving.variant import VariantState
from naiad.service.gateway.operation import Context, operation
from naiad.service.gateway.operations.entity_listing import entity_query
from naiad.service.gateway.operations.listing import paged


@operation("sagemaker", "CreateEndpoint")
def create_endpoint(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    return {"EndpointArn": context.endpoints.create(request, tags_of(request)).arn}


@operation("sagemaker", "UpdateEndpoint")
def update_endpoint(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    return {"EndpointArn": context.endpoints.update(request).arn}


@operation("sagemaker", "UpdateEndpointWeightsAndCapacities")
def update_endpoint_weights_and_capacities(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    changes = request["DesiredWeightsAndCapacities"]
    return {"EndpointArn": context.endpoints.update_weights_and_capacities(request["EndpointName"], changes).arn}


@operation("sagemaker", "DeleteEndpoint")
def delete_endpoint(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    context.endpoints.delete(request["EndpointName"])
    return {}


@operation("sagemaker", "DescribeEndpoint")
def describe_endpoint(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    entity = context.endpoints.describe(request["EndpointName"])
    detail = EndpointDetail.from_json(entity.detail)
    running, pending = detail.rollout, detail.pending_rollout
    rollout = running or pending
    answer = {
        **_summary(entity),
        "EndpointConfigName": rollout.config_name if rollout else entity.request["EndpointConfigName"],
    }
    if detail.failure_reason:
        answer["FailureReason"] = detail.failure_reason
    if running is not None:
        states = context.endpoints.router.variant_states(entity.name)
        answer["ProductionVariants"] = [_describe_variant(one, states) for one in running.variants]
        if running.shadow_variants:
            answer["ShadowProductionVariants"] = [_describe_variant(one, states) for one in running.shadow_variants]
    if rollout is not None and rollout.async_inference_config:
        answer["AsyncInferenceConfig"] = rollout.async_inference_config
    if running is not None and pending is not None:
        answer["PendingDeploymentSummary"] = {
            "EndpointConfigName": pending.config_name,
            "StartTime": entity.modified_at,
        }
    return answer


@operation("sagemaker", "ListEndpoints")
def list_endpoints(context: Context, request: dict[str, Any]) -> dict[str, Any]:
    page = context.endpoints.find(entity_query(EntityKind.ENDPOINT, request, status=request.get("StatusEquals")))
    return paged({"Endpoints": [_summary(entity) for entity in page.entities]}, page.next_token)


def _summary(entity: Entity) -> dict[str, Any]:
    return {
        "EndpointName": entity.name,
        "EndpointArn": entity.arn,
        "EndpointStatus": entity.status,
        "CreationTime": entity.created_at,
        "LastModifiedTime": entity.modified_at,
    }


def _describe_variant(variant: RolloutVariant, states: dict[str, VariantState]) -> dict[str, Any]:
    state = states.get(variant.name, VariantState(0, variant.desired_instance_count, 0))
    image = variant.container.get("Image", "")
    answer: dict[str, Any] = {
        "VariantName": variant.name,
        "CurrentWeight": variant.weight,
        "DesiredWeight": variant.weight,
        "CurrentInstanceCount": state.ready_count,
        "DesiredInstanceCount": state.desired_count,
    }
    if image:
        answer["DeployedImages"] = [{"SpecifiedImage": image, "ResolvedImage": image}]
    if variant.serverless_config:
        answer["CurrentServerlessConfig"] = answer["DesiredServerlessConfig"] = variant.serverless_config
    if variant.managed_instance_scaling:
        answer["ManagedInstanceScaling"] = variant.managed_instance_scaling
    return answer
