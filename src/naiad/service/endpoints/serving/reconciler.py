"""Reconciler: brings what runs into line with what the store says of endpoints.

The store is the truth. Creating, Updating and Deleting are changes to carry out; an endpoint that is InService is started again
by a server that starts again. Endpoints are reconciled independently: the trouble of one does not hold up the others.
"""

import asyncio
import logging
from dataclasses import dataclass, field, replace

from naiad.service.domain.clock import Clock
from naiad.service.domain.entity import EndpointStatus, Entity, EntityKind
from naiad.service.domain.errors import Conflict, NotFound, ServiceError
from naiad.service.endpoints.endpoint_detail import EndpointDetail
from naiad.service.endpoints.rollout import Rollout
from naiad.service.endpoints.serving.deployer import Deployer
from naiad.service.endpoints.serving.deployment import Deployment
from naiad.service.endpoints.serving.replica import ReplicaFailed
from naiad.service.endpoints.serving.router import EndpointRouter
from naiad.service.store.entity_port import EntityStore

_LOG = logging.getLogger(__name__)
_MAX_REASON_CHARACTERS = 1024
_RETRY_AFTER_S = 5.0
_UNFINISHED = (EndpointStatus.CREATING, EndpointStatus.UPDATING, EndpointStatus.DELETING)


@dataclass
class EndpointReconciler:
    """Used on the event loop's thread only, except ``wake``."""

    entities: EntityStore
    router: EndpointRouter
    deployer: Deployer
    clock: Clock
    _tasks: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)
    """Endpoints that are being reconciled."""
    _loop: asyncio.AbstractEventLoop | None = None
    _wake_event: asyncio.Event = field(default_factory=asyncio.Event)

    def wake(self) -> None:
        """Says that the store has changed. Safe for any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake_event.set)

    async def run(self) -> None:
        """Runs until it is cancelled; then it kills all replicas."""
        self._loop = asyncio.get_running_loop()
        self.router.is_loading = True
        await asyncio.to_thread(self.deployer.remove_control_groups)
        self._wake_event.set()
        try:
            while True:
                await self._wake_event.wait()
                self._wake_event.clear()
                try:
                    await self.reconcile_all()
                except ServiceError as error:
                    _LOG.warning("endpoints: %s; trying again", error)
                    self._loop.call_later(_RETRY_AFTER_S, self._wake_event.set)
        finally:
            self.cancel_tasks()
            for deployment in self.router.deployments.values():
                deployment.kill()

    async def reconcile_all(self) -> None:
        """Reads the store, and starts a task for each endpoint that needs one. Raises ServiceError."""
        entities = await asyncio.to_thread(self.entities.all, EntityKind.ENDPOINT)
        self.router.statuses = {entity.name: entity.status for entity in entities}
        self.router.is_loading = False
        for entity in entities:
            if entity.name not in self._tasks and self._is_due(entity):
                task = asyncio.get_running_loop().create_task(self._reconcile(entity.name))
                self._tasks[entity.name] = task
                task.add_done_callback(lambda _, name=entity.name: self._on_reconciled(name))  # type: ignore[misc]

    def cancel_tasks(self) -> None:
        for task in self._tasks.values():
            task.cancel()

    def _is_due(self, entity: Entity) -> bool:
        is_missing = entity.status == EndpointStatus.IN_SERVICE and entity.name not in self.router.deployments
        return entity.status in _UNFINISHED or is_missing

    def _on_reconciled(self, name: str) -> None:
        self._tasks.pop(name, None)
        self._wake_event.set()

    async def _reconcile(self, name: str) -> None:
        """Carries out one change of an endpoint, and waits before another attempt when that fails."""
        try:
            await self._carry_out(await asyncio.to_thread(self.entities.get, EntityKind.ENDPOINT, name))
        except NotFound:
            return
        except (ServiceError, OSError) as error:
            _LOG.warning("endpoint %s: %s; trying again", name, error)
            await asyncio.sleep(_RETRY_AFTER_S)
        except Exception:  # noqa: BLE001  # reason: the task's edge: one endpoint's trouble holds up no other
            _LOG.exception("endpoint %s: an internal error; trying again", name)
            await asyncio.sleep(_RETRY_AFTER_S)

    async def _carry_out(self, entity: Entity) -> None:
        """Raises NotFound when the endpoint is gone; ServiceError, OSError."""
        detail = EndpointDetail.from_json(entity.detail)
        if not self._is_due(entity):
            return
        if entity.status == EndpointStatus.DELETING:
            await self._delete(entity)
        elif entity.status == EndpointStatus.IN_SERVICE and detail.rollout is not None:
            await self._start(entity.name, detail.rollout)
        elif entity.status in _UNFINISHED and detail.pending_rollout is not None:
            await self._deploy(entity, detail, detail.pending_rollout)
        else:
            raise ServiceError(f"it is {entity.status} and has no rollout")

    async def _deploy(self, entity: Entity, detail: EndpointDetail, pending: Rollout) -> None:
        """Starts the pending rollout beside the one that runs, which stays until the new one answers."""
        name, old = entity.name, self.router.deployments.get(entity.name)
        if old is None and detail.rollout is not None:
            await self._start(name, detail.rollout)
            old = self.router.deployments.get(name)
        if old is not None and pending.deployment_number == old.rollout.deployment_number:
            await self._update_weights_and_capacities(entity, detail, pending, old)
            return
        try:
            deployment = await self.deployer.start(name, pending, old)
        except (ServiceError, OSError) as error:
            await self._record_failure(entity, detail, pending, str(error))
            return
        self.router.deployments[name] = deployment
        if await self._record_success(entity, detail, pending) and old is not None:
            self.deployer.retire(old)

    async def _update_weights_and_capacities(
        self, entity: Entity, detail: EndpointDetail, pending: Rollout, deployment: Deployment
    ) -> None:
        """Changes only the counts of the request: what scaling has made of the others stays."""
        previous = deployment.rollout
        old_counts = {name: deployment.variants[name].desired_count for name in detail.resized_variants}
        new_counts = {name: pending.variant(name).desired_instance_count for name in detail.resized_variants}
        deployment.update_weights_and_capacities(pending, new_counts)
        try:
            for variant in deployment.variants.values():
                await variant.pool.wait_ready()
        except ReplicaFailed as error:
            deployment.update_weights_and_capacities(previous, old_counts)
            await self._record_failure(entity, detail, pending, str(error))
            return
        await self._record_success(entity, detail, pending)

    async def _start(self, name: str, rollout: Rollout) -> None:
        self.router.deployments[name] = await self.deployer.start(name, rollout)

    async def _delete(self, entity: Entity) -> None:
        await self.deployer.remove(entity.name, self.router.deployments.pop(entity.name, None))
        await asyncio.to_thread(self.entities.delete, entity)
        self.router.metrics.remove_endpoint(entity.name)
        self.router.statuses.pop(entity.name, None)

    async def _record_success(self, entity: Entity, detail: EndpointDetail, rollout: Rollout) -> bool:
        after = EndpointDetail(rollout=rollout, deployment_number=detail.deployment_number)
        return await self._write(entity, EndpointStatus.IN_SERVICE, after)

    async def _record_failure(self, entity: Entity, detail: EndpointDetail, pending: Rollout, reason: str) -> None:
        """A first start that fails leaves the endpoint Failed; an update that fails is rolled back, with a reason."""
        if detail.rollout is None:
            status = EndpointStatus.FAILED
        else:
            status = EndpointStatus.IN_SERVICE
            reason = f"the update to {pending.config_name} was taken back: {reason[:_MAX_REASON_CHARACTERS]}"
        reason = reason[:_MAX_REASON_CHARACTERS]
        after = replace(detail, pending_rollout=None, resized_variants=(), failure_reason=reason)
        await self._write(entity, status, after)

    async def _write(self, entity: Entity, status: EndpointStatus, detail: EndpointDetail) -> bool:
        """Returns False when the endpoint was changed meanwhile: then there is a new change to carry out."""
        after = replace(entity, status=status, detail=detail.to_json(), modified_at=self.clock.now())
        try:
            await asyncio.to_thread(self.entities.update, after, before=entity)
        except (Conflict, NotFound):
            return False
        self.router.statuses[entity.name] = status
        _LOG.info("endpoint %s: %s → %s", entity.name, entity.status, status)
        return True
