"""Endpoint service: create, update, scale, delete and describe endpoints.

It writes the store and wakes the reconciler, which does the rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from naiad.service.blobs.port import BlobStore
from naiad.service.contract.instance_types import instance_type
from naiad.service.contract.machine_resources import MachineResources
from naiad.service.contract.s3_uri import parse_s3_uri
from naiad.service.contract.tags import check_tags
from naiad.service.domain.clock import Clock
from naiad.service.domain.entity import EndpointStatus, Entity, EntityKind
from naiad.service.domain.errors import AlreadyExists, Conflict, Invalid, NotFound
from naiad.service.domain.job import ResourceRequest
from naiad.service.endpoints.control.catalog import ModelCatalog
from naiad.service.endpoints.endpoint_detail import EndpointDetail
from naiad.service.endpoints.rollout import Rollout, RolloutVariant, make_rollout
from naiad.service.endpoints.serving.reconciler import EndpointReconciler
from naiad.service.endpoints.serving.router import EndpointRouter
from naiad.service.store.entity_port import EntityPage, EntityQuery, EntityStore

_KIND = EntityKind.ENDPOINT
_IN_PROGRESS = (EndpointStatus.CREATING, EndpointStatus.UPDATING, EndpointStatus.DELETING)
_MAX_INSTANCES = 64
_MIB = 2**20


@dataclass(frozen=True)
class EndpointService:
    """Safe for threads: every change is one guarded write of the store."""

    entities: EntityStore
    catalog: ModelCatalog
    reconciler: EndpointReconciler
    blobs: BlobStore
    resources: MachineResources
    clock: Clock
    region: str

    @property
    def router(self) -> EndpointRouter:
        return self.reconciler.router

    def create(self, request: Mapping[str, Any], tags: Mapping[str, str]) -> Entity:
        """Raises Invalid; NotFound for the configuration or a model; LimitExceeded."""
        check_tags(tags)
        _check_deployment_config(request)
        rollout = self._make_rollout(1, request["EndpointConfigName"])
        now = self.clock.now()
        entity = Entity(
            _KIND,
            request["EndpointName"],
            self.region,
            {key: value for key, value in request.items() if key != "Tags"},
            now,
            now,
            EndpointStatus.CREATING,
            EndpointDetail(pending_rollout=rollout, deployment_number=1).to_json(),
        )
        try:
            self.entities.add(entity, tags)
        except AlreadyExists as error:
            raise Invalid(f'Cannot create already existing endpoint "{entity.arn}".') from error
        self.reconciler.wake()
        return entity

    def update(self, request: Mapping[str, Any]) -> Entity:
        """Starts a blue/green update. Raises NotFound; Invalid while another change is in progress; LimitExceeded."""
        _check_deployment_config(request)
        entity, detail = self._get_changeable(request["EndpointName"])
        number = detail.deployment_number + 1
        rollout = self._make_rollout(number, request["EndpointConfigName"])
        if request.get("RetainAllVariantProperties") and detail.rollout is not None:
            excluded = {one["VariantPropertyType"] for one in request.get("ExcludeRetainedVariantProperties", ())}
            rollout = _retain_properties(rollout, detail.rollout, excluded)
        status = EndpointStatus.UPDATING if detail.rollout is not None else EndpointStatus.CREATING
        return self._save(entity, status, replace(detail, pending_rollout=rollout, deployment_number=number))

    def update_weights_and_capacities(self, name: str, changes: list[dict[str, Any]]) -> Entity:
        """Changes weights and instance counts of what runs. Raises NotFound, Invalid, LimitExceeded.

        changes: DesiredWeightsAndCapacities of the request.
        """
        entity, detail = self._get_changeable(name)
        if detail.rollout is None:
            raise Invalid(f"endpoint {name} is {entity.status}: it runs no variants to change")
        rollout = detail.rollout
        for change in changes:
            rollout = rollout.with_variant(self._change_variant(rollout.variant(change["VariantName"]), change))
        resized = tuple(change["VariantName"] for change in changes if "DesiredInstanceCount" in change)
        after = replace(detail, pending_rollout=rollout, resized_variants=resized)
        return self._save(entity, EndpointStatus.UPDATING, after)

    def delete(self, name: str) -> None:
        """Raises NotFound; Invalid while it is being created or updated, as AWS does."""
        entity = self.describe(name)
        if entity.status == EndpointStatus.DELETING:
            return
        if entity.status in _IN_PROGRESS:
            raise Invalid(f"endpoint {name} is {entity.status}; wait for its end before you delete it")
        self._save(entity, EndpointStatus.DELETING, EndpointDetail.from_json(entity.detail))

    def describe(self, name: str) -> Entity:
        """Raises NotFound."""
        try:
            return self.entities.get(_KIND, name)
        except NotFound as error:
            raise NotFound(f'Could not find endpoint "{name}".') from error

    def find(self, query: EntityQuery) -> EntityPage:
        return self.entities.find(query)

    def _make_rollout(self, number: int, config_name: str) -> Rollout:
        config = self.catalog.endpoint_config(config_name).request
        variants = (*config["ProductionVariants"], *config.get("ShadowProductionVariants", ()))
        names = dict.fromkeys(one["ModelName"] for one in variants)
        containers = {name: self.catalog.model_container(name) for name in names}
        rollout = make_rollout(number, config, containers)
        for variant in (*rollout.variants, *rollout.shadow_variants):
            self._check_capacity(variant)
        if rollout.async_inference_config:
            self._check_bucket(rollout.async_inference_config["OutputConfig"].get("S3OutputPath", ""))
        return rollout

    def _check_capacity(self, variant: RolloutVariant) -> None:
        if variant.max_instance_count > _MAX_INSTANCES:
            requested = f"variant {variant.name} requests {variant.max_instance_count} instances"
            raise Invalid(f"{requested}; at most {_MAX_INSTANCES} are allowed")
        if variant.instance_type:
            self.resources.request_for(instance_type(variant.instance_type), instances=1)

    def _check_bucket(self, uri: str) -> None:
        bucket = parse_s3_uri(uri, at="S3OutputPath").bucket
        if not self.blobs.has_bucket(bucket):
            raise Invalid(f"S3OutputPath is {uri!r}: the bucket does not exist; create it first")

    def _change_variant(self, variant: RolloutVariant, change: Mapping[str, Any]) -> RolloutVariant:
        count = change.get("DesiredInstanceCount", variant.desired_instance_count)
        min_count, max_count = count, count
        if variant.is_scaled:
            min_count, max_count = variant.min_instance_count, variant.max_instance_count
        if "DesiredInstanceCount" in change and not (min_count <= count <= max_count and max_count):
            allowed = f"it is scaled between {min_count} and {max_count}" if variant.is_scaled else "give at least 1"
            raise Invalid(f"variant {variant.name}: DesiredInstanceCount is {count}; {allowed}")
        changed = replace(
            variant,
            weight=float(change.get("DesiredWeight", variant.weight)),
            desired_instance_count=count,
            min_instance_count=min_count,
            max_instance_count=max_count,
        )
        self._check_capacity(changed)
        return changed

    def _get_changeable(self, name: str) -> tuple[Entity, EndpointDetail]:
        """Raises NotFound; Invalid while a change is in progress."""
        entity = self.describe(name)
        if entity.status in _IN_PROGRESS:
            raise Invalid(f"Cannot update in-progress endpoint: {name} is {entity.status}; wait for its end")
        return entity, EndpointDetail.from_json(entity.detail)

    def _save(self, entity: Entity, status: EndpointStatus, detail: EndpointDetail) -> Entity:
        after = replace(entity, status=status, detail=detail.to_json(), modified_at=self.clock.now())
        try:
            self.entities.update(after, before=entity)
        except Conflict as error:
            raise Invalid(f"endpoint {entity.name} was changed meanwhile; describe it and try again") from error
        self.reconciler.wake()
        return after


def instance_resources(resources: MachineResources, variant: RolloutVariant) -> ResourceRequest:
    """Returns what an instance gets, no more than this machine has. One replica runs on each of its cores.

    A serverless variant has one replica, with the memory that it names. Raises LimitExceeded.
    """
    if variant.instance_type:
        return resources.request_for(instance_type(variant.instance_type), instances=1)[0]
    memory_mb = (variant.serverless_config or {}).get("MemorySizeInMB")
    memory_bytes = memory_mb * _MIB if memory_mb else resources.memory_bytes
    return ResourceRequest(1, 1, min(memory_bytes, resources.memory_bytes))


def _check_deployment_config(request: Mapping[str, Any]) -> None:
    """Raises Invalid for anything but blue/green without alarms."""
    config = request.get("DeploymentConfig", {})
    if config.get("AutoRollbackConfiguration", {}).get("Alarms"):
        raise Invalid("AutoRollbackConfiguration: there are no CloudWatch alarms here; health decides by itself")
    kind = config.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {}).get("Type", "ALL_AT_ONCE")
    if kind != "ALL_AT_ONCE" or "RollingUpdatePolicy" in config:
        raise Invalid(
            "DeploymentConfig: updates are blue/green, ALL_AT_ONCE; shift traffic step by step with the weights of variants"
        )


def _retain_properties(rollout: Rollout, previous: Rollout, excluded: set[str]) -> Rollout:
    """Keeps weights and counts of variants that both rollouts have. excluded: properties that are not kept."""
    previous_by_name = {one.name: one for one in previous.variants}
    for variant in rollout.variants:
        same = previous_by_name.get(variant.name)
        if same is None:
            continue
        changed = variant
        if "DesiredWeight" not in excluded:
            changed = replace(changed, weight=same.weight)
        if "DesiredInstanceCount" not in excluded:
            changed = replace(
                changed,
                desired_instance_count=same.desired_instance_count,
                min_instance_count=same.min_instance_count,
                max_instance_count=same.max_instance_count,
            )
        rollout = rollout.with_variant(changed)
    return rollout
