"""What people do with endpoints: create, update, scale, delete, describe.

Writes the store and rings; the manager does the rest.
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
from naiad.service.endpoints.control.catalog import Catalog
from naiad.service.endpoints.rollout import Plan, VariantPlan, plan_of
from naiad.service.endpoints.serving.reconciler import EndpointManager
from naiad.service.store.entity_port import EntityPage, EntityQuery, EntityStore

_KIND = EntityKind.ENDPOINT
_AT_WORK = (EndpointStatus.CREATING, EndpointStatus.UPDATING, EndpointStatus.DELETING)
_MOST_INSTANCES = 64


@dataclass(frozen=True)
class EndpointService:
    """Safe for threads: every change is one guarded write of the store."""

    entities: EntityStore
    catalog: Catalog
    manager: EndpointManager
    blobs: BlobStore
    resources: MachineResources
    clock: Clock
    region: str

    def create(self, request: Mapping[str, Any], tags: Mapping[str, str]) -> Entity:
        """Raises Invalid, NotFound for the configuration or a model, DoesNotFit."""
        check_tags(tags)
        _check_deployment(request)
        plan = self._plan(1, request["EndpointConfigName"])
        now = self.clock.now()
        entity = Entity(
            _KIND,
            request["EndpointName"],
            self.region,
            {key: value for key, value in request.items() if key != "Tags"},
            now,
            now,
            EndpointStatus.CREATING,
            {"next": plan.to_json(), "number": 1},
        )
        try:
            self.entities.add(entity, tags)
        except AlreadyExists as error:
            raise Invalid(f'Cannot create already existing endpoint "{entity.arn}".') from error
        self.manager.ring()
        return entity

    def update(self, request: Mapping[str, Any]) -> Entity:
        """Blue/green. Raises NotFound, Invalid while another order is at work, DoesNotFit."""
        _check_deployment(request)
        entity = self._idle(request["EndpointName"])
        number = entity.detail["number"] + 1
        plan = self._plan(number, request["EndpointConfigName"])
        if request.get("RetainAllVariantProperties") and "plan" in entity.detail:
            excluded = {one["VariantPropertyType"] for one in request.get("ExcludeRetainedVariantProperties", ())}
            plan = _retained(plan, Plan.from_json(entity.detail["plan"]), excluded)
        status = EndpointStatus.UPDATING if "plan" in entity.detail else EndpointStatus.CREATING
        return self._order(entity, status, {"next": plan.to_json(), "number": number})

    def set_weights(self, name: str, wishes: list[dict[str, Any]]) -> Entity:
        """Weights and instance counts of what runs. Raises NotFound, Invalid, DoesNotFit."""
        entity = self._idle(name)
        if "plan" not in entity.detail:
            raise Invalid(f"endpoint {name} is {entity.status}: there is nothing to change")
        plan = Plan.from_json(entity.detail["plan"])
        for wish in wishes:
            plan = plan.with_variant(self._wished(plan.variant(wish["VariantName"]), wish))
        resized = [wish["VariantName"] for wish in wishes if "DesiredInstanceCount" in wish]
        return self._order(entity, EndpointStatus.UPDATING, {"next": plan.to_json(), "resized": resized})

    def delete(self, name: str) -> None:
        """Raises NotFound; Invalid while it is being created or updated, as AWS does."""
        entity = self.describe(name)
        if entity.status == EndpointStatus.DELETING:
            return
        if entity.status in _AT_WORK:
            raise Invalid(f"endpoint {name} is {entity.status}; wait for its end before you delete it")
        self._order(entity, EndpointStatus.DELETING, {})

    def describe(self, name: str) -> Entity:
        """Raises NotFound."""
        try:
            return self.entities.get(_KIND, name)
        except NotFound as error:
            raise NotFound(f'Could not find endpoint "{name}".') from error

    def find(self, query: EntityQuery) -> EntityPage:
        return self.entities.find(query)

    def _plan(self, number: int, config_name: str) -> Plan:
        config = self.catalog.endpoint_config(config_name).request
        names = [
            one["ModelName"] for one in (*config["ProductionVariants"], *config.get("ShadowProductionVariants", ()))
        ]
        containers = {name: self.catalog.container_of_model(name) for name in dict.fromkeys(names)}
        plan = plan_of(number, config, containers)
        for variant in (*plan.variants, *plan.shadows):
            self._check_fits(variant)
        if plan.asynchronous:
            self._check_bucket(plan.asynchronous["OutputConfig"].get("S3OutputPath", ""))
        return plan

    def _check_fits(self, variant: VariantPlan) -> None:
        if variant.most > _MOST_INSTANCES:
            raise Invalid(
                f"variant {variant.name} asks for {variant.most} instances; at most {_MOST_INSTANCES} are run"
            )
        if variant.instance_type:
            self.resources.request_for(instance_type(variant.instance_type), instances=1)

    def _check_bucket(self, uri: str) -> None:
        bucket = parse_s3_uri(uri, at="S3OutputPath").bucket
        if not self.blobs.has_bucket(bucket):
            raise Invalid(f"S3OutputPath is {uri!r}: the bucket does not exist; create it first")

    def _wished(self, variant: VariantPlan, wish: Mapping[str, Any]) -> VariantPlan:
        count = wish.get("DesiredInstanceCount", variant.instances)
        least, most = (variant.least, variant.most) if variant.is_scaled else (count, count)
        if "DesiredInstanceCount" in wish and not (least <= count <= most and most):
            allowed = f"it is scaled between {least} and {most}" if variant.is_scaled else "give at least 1"
            raise Invalid(f"variant {variant.name}: DesiredInstanceCount is {count}; {allowed}")
        weight = float(wish.get("DesiredWeight", variant.weight))
        changed = replace(variant, weight=weight, instances=count, least=least, most=most)
        self._check_fits(changed)
        return changed

    def _idle(self, name: str) -> Entity:
        entity = self.describe(name)
        if entity.status in _AT_WORK:
            raise Invalid(f"Cannot update in-progress endpoint: {name} is {entity.status}; wait for its end")
        return entity

    def _order(self, entity: Entity, status: EndpointStatus, detail: Mapping[str, Any]) -> Entity:
        after = replace(entity, status=status, detail={**entity.detail, **detail}, modified_at=self.clock.now())
        try:
            self.entities.update(after, before=entity)
        except Conflict as error:
            raise Invalid(f"endpoint {entity.name} was changed meanwhile; look at it and try again") from error
        self.manager.ring()
        return after


def cores_of(resources: MachineResources, plan: VariantPlan) -> int:
    """Of each instance, as far as this machine has them; a replica is run on each."""
    if not plan.instance_type:
        return 1
    need, _ = resources.request_for(instance_type(plan.instance_type), instances=1)
    return need.cores


def _check_deployment(request: Mapping[str, Any]) -> None:
    """Blue/green is what there is; alarms have nothing behind them here."""
    config = request.get("DeploymentConfig", {})
    if config.get("AutoRollbackConfiguration", {}).get("Alarms"):
        raise Invalid("AutoRollbackConfiguration: there are no CloudWatch alarms here; health decides by itself")
    kind = config.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {}).get("Type", "ALL_AT_ONCE")
    if kind != "ALL_AT_ONCE" or "RollingUpdatePolicy" in config:
        raise Invalid(
            "DeploymentConfig: updates are blue/green, ALL_AT_ONCE; shift traffic step by step with the weights of variants"
        )


def _retained(plan: Plan, old: Plan, excluded: set[str]) -> Plan:
    """Weights and counts of the variants that go on, but for those that are excluded."""
    before = {one.name: one for one in old.variants}
    for variant in plan.variants:
        same = before.get(variant.name)
        if same is None:
            continue
        weight = variant.weight if "DesiredWeight" in excluded else same.weight
        counts = (
            (variant.instances, variant.least, variant.most)
            if "DesiredInstanceCount" in excluded
            else (same.instances, same.least, same.most)
        )
        plan = plan.with_variant(replace(variant, weight=weight, instances=counts[0], least=counts[1], most=counts[2]))
    return plan
