"""Brings endpoints to what the store says of them, and invocations to their replicas.

The store is the truth: Creating, Updating and Deleting are orders, and an endpoint that is InService is started again by a server
that starts again. One endpoint's trouble holds up no other.
"""

import asyncio
import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from naiad.service.domain.clock import Clock
from naiad.service.domain.entity import EndpointStatus, Entity, EntityKind
from naiad.service.domain.errors import Conflict, NotFound, ServiceError
from naiad.service.endpoints.rollout import Plan, VariantPlan
from naiad.service.endpoints.serving.deployment import Deployment, Variant, VariantState
from naiad.service.endpoints.serving.invocation import Call, Full, NotNow, Reply
from naiad.service.endpoints.serving.invocation_metrics import Meter
from naiad.service.endpoints.serving.log_streams import logs_folder
from naiad.service.endpoints.serving.model_preparer import Preparer
from naiad.service.endpoints.serving.replica import ReplicaFailed
from naiad.service.endpoints.serving.threads import in_thread
from naiad.service.store.entity_port import EntityStore

_LOG = logging.getLogger(__name__)
_LONGEST_REASON = 1024
_AGAIN_AFTER_S = 5.0
_FULL = 503


@dataclass
class EndpointManager:
    """All but ``ring`` and ``look`` is for the loop's thread."""

    entities: EntityStore
    preparer: Preparer
    clock: Clock
    state_folder: Path
    cores_of: Callable[[VariantPlan], int]
    meter: Meter = field(default_factory=Meter)
    _live: dict[str, Deployment] = field(default_factory=dict)
    _statuses: dict[str, str] = field(default_factory=dict)
    _has_looked: bool = False
    """At the store; before that nobody knows which endpoints there are."""
    _settling: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)
    _closing: set["asyncio.Task[None]"] = field(default_factory=set)
    _loop: asyncio.AbstractEventLoop | None = None
    _rung: asyncio.Event = field(default_factory=asyncio.Event)

    # --- from other threads

    def ring(self) -> None:
        """The store has news of endpoints."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._rung.set)

    def look(self, name: str) -> dict[str, VariantState]:
        """By variant, shadows too; empty while nothing runs."""
        deployment = self._live.get(name)
        if deployment is None:
            return {}
        return {one: variant.state for one, variant in deployment.all_variants().items()}

    def states(self) -> list[tuple[str, str, VariantState]]:
        """(endpoint, variant, state) of all that run."""
        return [(name, variant, state) for name in list(self._live) for variant, state in self.look(name).items()]

    # --- invocations

    def submit(self, name: str, call: Call, *, target: str = "", comes_again: bool = False) -> Variant:
        """Raises NotFound; NotNow when it is full, or is being started. A refusal is counted unless the call comes again."""
        deployment = self._live.get(name)
        if deployment is None:
            raise self._absent(name)
        variant = deployment.choose(target)
        try:
            variant.pool.submit(call)
        except Full:
            if not comes_again:
                self.meter.count_refused(name, variant.plan.name, _FULL)
            raise
        if deployment.shadows and not target:
            self._shadow(deployment, call)
        return variant

    def plan_of(self, name: str) -> Plan:
        """Of what answers now. Raises NotFound, NotNow."""
        deployment = self._live.get(name)
        if deployment is None:
            raise self._absent(name)
        return deployment.plan

    def _absent(self, name: str) -> ServiceError:
        """Why it does not answer. What has been in service is so again soon: a server that starts again starts its replicas."""
        status = self._statuses.get(name)
        is_blind = self._loop is not None and not self._has_looked
        if is_blind or status in (EndpointStatus.IN_SERVICE, EndpointStatus.UPDATING):
            return NotNow(f"endpoint {name} is being started: its replicas load their model", retry_after_s=1)
        if status is None:
            return NotFound(f"Endpoint {name} not found")
        return NotFound(f"Endpoint {name} is {status}: it answers when it is InService")

    def _shadow(self, deployment: Deployment, call: Call) -> None:
        """A copy, of which nobody hears; it never holds up the original."""
        for variant in deployment.shadows.values():
            copy = Call(call.meta, call.body, asyncio.get_running_loop().create_future(), call.asked_at)
            try:
                variant.pool.submit(copy)
            except ServiceError:
                continue

    # --- the store

    async def run(self) -> None:
        """Until it is cancelled; ends replicas then."""
        self._loop = asyncio.get_running_loop()
        self._rung.set()
        try:
            while True:
                await self._rung.wait()
                self._rung.clear()
                try:
                    await self._look_at_all()
                except ServiceError as error:
                    _LOG.warning("endpoints: %s; trying again", error)
                    self._loop.call_later(_AGAIN_AFTER_S, self._rung.set)
        finally:
            for task in self._settling.values():
                task.cancel()
            for deployment in self._live.values():
                deployment.kill()

    async def _look_at_all(self) -> None:
        entities = await in_thread(lambda: self.entities.all(EntityKind.ENDPOINT))
        self._statuses, self._has_looked = {entity.name: entity.status for entity in entities}, True
        for entity in entities:
            if entity.name not in self._settling and self._needs(entity):
                task = asyncio.get_running_loop().create_task(self._settle(entity.name))
                self._settling[entity.name] = task
                task.add_done_callback(lambda _, name=entity.name: self._settled(name))  # type: ignore[misc]

    def _needs(self, entity: Entity) -> bool:
        return entity.status in _ORDERS or (
            entity.status == EndpointStatus.IN_SERVICE and entity.name not in self._live
        )

    def _settled(self, name: str) -> None:
        self._settling.pop(name, None)
        self._rung.set()

    async def _settle(self, name: str) -> None:
        """One order, to its end."""
        try:
            entity = await in_thread(lambda: self.entities.get(EntityKind.ENDPOINT, name))
            match entity.status:
                case EndpointStatus.DELETING:
                    await self._delete(entity)
                case EndpointStatus.IN_SERVICE:
                    await self._restore(entity)
                case EndpointStatus.CREATING | EndpointStatus.UPDATING:
                    await self._deploy(entity)
        except NotFound:
            return
        except (ServiceError, OSError) as error:
            _LOG.warning("endpoint %s: %s; trying again", name, error)
            await asyncio.sleep(_AGAIN_AFTER_S)
        except Exception:  # noqa: BLE001  # reason: the task's edge: one endpoint's trouble holds up no other
            _LOG.exception("endpoint %s: an internal error; trying again", name)
            await asyncio.sleep(_AGAIN_AFTER_S)

    async def _deploy(self, entity: Entity) -> None:
        """The order's plan beside what runs; what runs stays until the new one answers, and when it never does."""
        plan, old = Plan.from_json(entity.detail["next"]), self._live.get(entity.name)
        if old is None and "plan" in entity.detail:
            await self._start(entity.name, Plan.from_json(entity.detail["plan"]))
            old = self._live.get(entity.name)
        if old is not None and plan.number == old.plan.number:
            await self._rescale(entity, old, plan)
            return
        try:
            deployment = await self._started(entity.name, plan, old)
        except (ServiceError, OSError) as error:
            await self._failed(entity, str(error))
            return
        self._live[entity.name] = deployment
        if await self._write(entity, EndpointStatus.IN_SERVICE, {"plan": plan.to_json()}, drop=_ORDERED):
            self._let_go(old)

    async def _rescale(self, entity: Entity, deployment: Deployment, plan: Plan) -> None:
        """Only the counts that were asked for: what scaling has made of the others stays."""
        resized = entity.detail.get("resized", ())
        before, counts = deployment.plan, {name: deployment.variants[name].instances for name in resized}
        deployment.rescale(plan, {name: plan.variant(name).instances for name in resized})
        try:
            for variant in deployment.variants.values():
                await variant.pool.become_ready()
        except ReplicaFailed as error:
            deployment.rescale(before, counts)
            await self._failed(entity, str(error))
            return
        await self._write(entity, EndpointStatus.IN_SERVICE, {"plan": plan.to_json()}, drop=_ORDERED)

    async def _restore(self, entity: Entity) -> None:
        await self._start(entity.name, Plan.from_json(entity.detail["plan"]))

    async def _start(self, name: str, plan: Plan) -> None:
        self._live[name] = await self._started(name, plan)

    async def _started(self, name: str, plan: Plan, before: Deployment | None = None) -> Deployment:
        """Raises ServiceError with the variant's reason."""
        folder = self.state_folder / "endpoints" / name
        deployment = Deployment(
            plan,
            folder / f"{plan.number}",
            logs_folder(self.state_folder, name),
            self.preparer,
            self.cores_of,
            on_done=lambda variant, call, reply: self._count(name, variant, call, reply),
        )
        await deployment.start(before)
        return deployment

    async def _failed(self, entity: Entity, reason: str) -> None:
        """A first start leaves the endpoint Failed; an update is taken back, and told."""
        text = reason[:_LONGEST_REASON]
        if "plan" in entity.detail:
            said = f"the update to {entity.detail['next']['config_name']} was taken back: {text}"[:_LONGEST_REASON]
            await self._write(entity, EndpointStatus.IN_SERVICE, {"failure_reason": said}, drop=("next", "resized"))
        else:
            await self._write(entity, EndpointStatus.FAILED, {"failure_reason": text}, drop=("next",))

    async def _delete(self, entity: Entity) -> None:
        deployment = self._live.pop(entity.name, None)
        if deployment is not None:
            await deployment.close()
        folder = self.state_folder / "endpoints" / entity.name
        await in_thread(lambda: shutil.rmtree(folder, ignore_errors=True))
        await in_thread(lambda: self.entities.delete(entity))
        self.meter.forget(entity.name)
        self._statuses.pop(entity.name, None)

    def _let_go(self, old: Deployment | None) -> None:
        """Finishes what it had begun."""
        if old is None:
            return
        task = asyncio.get_running_loop().create_task(self._close(old))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _close(self, old: Deployment) -> None:
        await old.close()
        await in_thread(lambda: shutil.rmtree(old.folder, ignore_errors=True))

    async def _write(
        self, entity: Entity, status: EndpointStatus, detail: dict[str, Any], *, drop: tuple[str, ...]
    ) -> bool:
        """Whether nobody has given another order meanwhile."""
        kept = {key: value for key, value in entity.detail.items() if key not in drop}
        after = replace(entity, status=status, detail={**kept, **detail}, modified_at=self.clock.now())
        try:
            await in_thread(lambda: self.entities.update(after, before=entity))
        except (Conflict, NotFound):
            return False
        self._statuses[entity.name] = status
        _LOG.info("endpoint %s: %s → %s", entity.name, entity.status, status)
        return True

    def _count(self, name: str, variant: str, call: Call, reply: Reply) -> None:
        if not call.sent_at:
            self.meter.count_refused(name, variant, reply.status)
            return
        now = time.monotonic()
        model_s = now - call.sent_at
        self.meter.count(name, variant, reply.status, model_s=model_s, overhead_s=now - call.asked_at - model_s)


_ORDERED = ("next", "resized", "failure_reason")
"""Of an entity's detail: gone when the order is carried out."""
_ORDERS = (EndpointStatus.CREATING, EndpointStatus.UPDATING, EndpointStatus.DELETING)
