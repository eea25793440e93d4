"""Endpoints: create, update, delete, describe, list."""

from naiad.service.contract.tags import tags_of
from naiad.service.domain.entity import Entity, EntityKind
from naiad.service.endpoints.control.service import EndpointService
from naiad.service.endpoints.endpoint_detail import EndpointDetail
from naiad.service.endpoints.rollout import RolloutVariant
from naiad.service.endpoints.serving.variant import VariantState
from naiad.service.gateway.operation import Shape, operation
from naiad.service.gateway.operations.entity_query import entity_query
from naiad.service.gateway.operations.paging import with_next_token


@operation(
    "sagemaker",
    "CreateEndpoint",
    not_served="alarms; rolling, canary and linear updates",
)
def create_endpoint(endpoints: EndpointService, request: Shape) -> Shape:
    return {"EndpointArn": endpoints.create(request, tags_of(request)).arn}


@operation(
    "sagemaker",
    "UpdateEndpoint",
    not_served="alarms; rolling, canary and linear updates",
)
def update_endpoint(endpoints: EndpointService, request: Shape) -> Shape:
    return {"EndpointArn": endpoints.update(request).arn}


@operation("sagemaker", "UpdateEndpointWeightsAndCapacities")
def update_endpoint_weights_and_capacities(endpoints: EndpointService, request: Shape) -> Shape:
    changes = request["DesiredWeightsAndCapacities"]
    return {"EndpointArn": endpoints.update_weights_and_capacities(request["EndpointName"], changes).arn}


@operation("sagemaker", "DeleteEndpoint")
def delete_endpoint(endpoints: EndpointService, request: Shape) -> Shape:
    endpoints.delete(request["EndpointName"])
    return {}


@operation(
    "sagemaker",
    "DescribeEndpoint",
    not_served="LastDeploymentConfig, data capture and explainer are left out",
)
def describe_endpoint(endpoints: EndpointService, request: Shape) -> Shape:
    return endpoint_description(endpoints, endpoints.describe(request["EndpointName"]))


def endpoint_description(endpoints: EndpointService, entity: Entity) -> Shape:
    detail = EndpointDetail.from_json(entity.detail)
    running, pending = detail.rollout, detail.pending_rollout
    rollout = running or pending
    output = {
        **_summary(entity),
        "EndpointConfigName": rollout.config_name if rollout else entity.request["EndpointConfigName"],
    }
    if detail.failure_reason:
        output["FailureReason"] = detail.failure_reason
    if running is not None:
        states = endpoints.router.variant_states(entity.name)
        output["ProductionVariants"] = [_describe_variant(one, states) for one in running.variants]
        if running.shadow_variants:
            output["ShadowProductionVariants"] = [_describe_variant(one, states) for one in running.shadow_variants]
    if rollout is not None and rollout.async_inference_config:
        output["AsyncInferenceConfig"] = rollout.async_inference_config
    if running is not None and pending is not None:
        output["PendingDeploymentSummary"] = {
            "EndpointConfigName": pending.config_name,
            "StartTime": entity.modified_at,
        }
    return output


@operation("sagemaker", "ListEndpoints")
def list_endpoints(endpoints: EndpointService, request: Shape) -> Shape:
    page = endpoints.find(entity_query(EntityKind.ENDPOINT, request, status=request.get("StatusEquals")))
    return with_next_token({"Endpoints": [_summary(entity) for entity in page.entities]}, page.next_token)


def _summary(entity: Entity) -> Shape:
    return {
        "EndpointName": entity.name,
        "EndpointArn": entity.arn,
        "EndpointStatus": entity.status,
        "CreationTime": entity.created_at,
        "LastModifiedTime": entity.modified_at,
    }


def _describe_variant(variant: RolloutVariant, states: dict[str, VariantState]) -> Shape:
    state = states.get(variant.name, VariantState(0, variant.desired_instance_count, 0))
    image = variant.container.get("Image", "")
    output: Shape = {
        "VariantName": variant.name,
        "CurrentWeight": variant.weight,
        "DesiredWeight": variant.weight,
        "CurrentInstanceCount": state.ready_count,
        "DesiredInstanceCount": state.desired_count,
    }
    if image:
        output["DeployedImages"] = [{"SpecifiedImage": image, "ResolvedImage": image}]
    if variant.serverless_config:
        output["CurrentServerlessConfig"] = output["DesiredServerlessConfig"] = variant.serverless_config
    if variant.managed_instance_scaling:
        output["ManagedInstanceScaling"] = variant.managed_instance_scaling
    return output
