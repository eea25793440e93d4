"""Deployment: a rollout that runs, with its variants and their replicas. An update starts a second one beside the first."""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from naiad.service.contract.log_writer import LogWriter
from naiad.service.domain.errors import NotFound
from naiad.service.domain.job import ResourceRequest
from naiad.service.endpoints.rollout import Rollout, RolloutVariant
from naiad.service.endpoints.serving.instance_limits import instance_limits, replica_limits
from naiad.service.endpoints.serving.invocation import Invocation, InvocationResponse
from naiad.service.endpoints.serving.launcher import Launcher
from naiad.service.endpoints.serving.model_preparer import ModelPreparer
from naiad.service.endpoints.serving.prepared_model import PreparedModel, load_prepared_model
from naiad.service.endpoints.serving.replica_monitor import ReplicaMonitor
from naiad.service.endpoints.serving.replica_pool import ReplicaPool
from naiad.service.endpoints.serving.replica_ports import ReplicaPort, ReplicaPorts, load_or_make_token
from naiad.service.endpoints.serving.scaling import InstanceBounds, InstanceScaler
from naiad.service.endpoints.serving.variant import SCALE_INTERVAL_S, Variant
from naiad.service.walls.resource_guard import ResourceLimits

_LOG = logging.getLogger(__name__)
_CONCURRENT_REQUESTS = 64
"""Invocations that an executable gets at once."""
ResourcesOf = Callable[[RolloutVariant], ResourceRequest]
OnFinished = Callable[[str, Invocation, InvocationResponse], None]
"""Called with the variant's name for every response."""


@dataclass
class Deployment:
    """Used on the event loop's thread only."""

    rollout: Rollout
    folder: Path
    """Folder of this deployment: <state>/endpoints/<endpoint>/<number>."""
    logs: Path
    """Folder of the endpoint's log streams: <state>/endpoints/<endpoint>/logs, one subfolder a variant."""
    preparer: ModelPreparer
    resources_of: ResourcesOf
    """Resources that one instance of a variant gets of this machine. Raises ServiceError."""
    on_finished: OnFinished
    monitor: ReplicaMonitor = field(default_factory=ReplicaMonitor)
    ports: ReplicaPorts = field(default_factory=ReplicaPorts)
    """Ports of replicas' own, of all endpoints."""
    variants: dict[str, Variant] = field(default_factory=dict)
    shadow_variants: dict[str, Variant] = field(default_factory=dict)
    _artifacts: dict[str, tuple[PreparedModel, ResourceLimits]] = field(default_factory=dict)
    """Models that an engine runs, and the limits of an instance, by variant."""
    _port_numbers: list[int] = field(default_factory=list)
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    async def start(self, previous: "Deployment | None" = None) -> None:
        """Returns when every variant has its first replicas. Raises ServiceError; then nothing is left running.

        previous: the deployment that it replaces. Its variants hand over their scale and the time of their last invocation.
        """
        old = previous.all_variants() if previous is not None else {}
        try:
            await self._make_variants()
            for name, variant in self.all_variants().items():
                self._start_task(variant.pool.watch())
                if name in old:
                    variant.inherit_scale(old[name])
                variant.resize(max(variant.desired_count, 1))
            for variant in self.all_variants().values():
                await variant.pool.wait_ready()
        except BaseException:
            await self.close()
            raise
        now = time.monotonic()
        for name, variant in self.all_variants().items():
            variant.pool.last_invocation_at = old[name].pool.last_invocation_at if name in old else now
        self._start_task(self._scale())
        for name, (prepared, limits) in self._artifacts.items():
            self._start_task(self._measure_remaining_engines(name, prepared, limits))

    def update_weights_and_capacities(self, rollout: Rollout, counts: Mapping[str, int]) -> None:
        """Takes a rollout of the same variants. counts: new numbers of instances, by variant; other variants keep theirs."""
        self.rollout = rollout
        for settings in rollout.variants:
            variant = self.variants[settings.name]
            variant.update(settings)
            if settings.name in counts:
                variant.resize(counts[settings.name])

    def choose_variant(self, target: str) -> Variant:
        """Returns the target, or one by the weights when the target is empty. Raises NotFound."""
        if target:
            if target not in self.variants:
                raise NotFound(f"there is no variant {target!r}; there are {', '.join(self.variants)}")
            return self.variants[target]
        if len(self.variants) == 1:
            return next(iter(self.variants.values()))
        candidates = list(self.variants.values())
        weights = [variant.settings.weight for variant in candidates]
        if not any(weights):
            raise NotFound("every variant has the weight 0; name one as TargetVariant")
        return random.choices(candidates, weights)[0]

    def all_variants(self) -> dict[str, Variant]:
        """Returns production and shadow variants by name."""
        return {**self.variants, **self.shadow_variants}

    async def close(self) -> None:
        """Stops the replicas once they have answered what they have."""
        self._cancel_tasks()
        await asyncio.gather(*(variant.pool.close() for variant in self.all_variants().values()))
        self._release_ports()

    def kill(self) -> None:
        """Ends at once: open invocations get no response."""
        self._cancel_tasks()
        for variant in self.all_variants().values():
            variant.pool.kill()
        self._release_ports()

    async def _make_variants(self) -> None:
        """Prepares the models. Raises ServiceError."""
        for settings in self.rollout.variants:
            self.variants[settings.name] = await self._make_variant(settings)
        for settings in self.rollout.shadow_variants:
            self.shadow_variants[settings.name] = await self._make_variant(settings)

    async def _make_variant(self, settings: RolloutVariant) -> Variant:
        resources = self.resources_of(settings)
        limits = instance_limits(resources, settings)
        prepared = await asyncio.to_thread(self._load_or_prepare, settings, limits)
        if prepared.engine is not None:
            self._artifacts[settings.name] = prepared, limits
        replicas_per_instance = prepared.replicas_per_instance or (1 if settings.serverless_config else resources.cores)
        port = await self._open_port(prepared.replica_port) if prepared.replica_port is not None else None
        pool = ReplicaPool(
            settings.name,
            Launcher(
                prepared,
                self.preparer.sandbox,
                self.logs / settings.name,
                name_prefix=f"i-{self.rollout.deployment_number:03d}{int(time.time()):x}",
                start_timeout_s=settings.start_timeout_s,
                limits=replica_limits(limits, replicas_per_instance),
                monitor=self.monitor,
                port=port,
            ),
            _CONCURRENT_REQUESTS if prepared.is_program else 2 * prepared.max_batch_size,
            start_timeout_s=settings.start_timeout_s,
            on_finished=lambda invocation, response: self.on_finished(settings.name, invocation, response),
        )
        bounds = InstanceBounds(settings.min_instance_count, settings.max_instance_count, settings.idle_timeout_s)
        return Variant(settings, pool, InstanceScaler(bounds), replicas_per_instance, settings.desired_instance_count)

    async def _open_port(self, number: int) -> ReplicaPort:
        """Raises Invalid, OSError."""
        endpoint_folder = self.folder.parent
        token = await asyncio.to_thread(load_or_make_token, endpoint_folder)
        port = self.ports.acquire(endpoint_folder, number, token)
        self._port_numbers.append(number)
        return port

    def _release_ports(self) -> None:
        while self._port_numbers:
            self.ports.release(self._port_numbers.pop())

    def _load_or_prepare(self, settings: RolloutVariant, limits: ResourceLimits) -> PreparedModel:
        """Takes what an earlier server has prepared. Blocks."""
        folder = self.folder / settings.name
        prepared = load_prepared_model(folder)
        if prepared is None:
            log = self._deployment_log(settings.name)
            prepared = self.preparer.prepare(settings.container, folder, limits, log)
            prepared.save()
        return prepared

    def _deployment_log(self, variant: str) -> Callable[[str], None]:
        """Returns what writes lines into the variant's stream ``deployment``."""

        def write(text: str) -> None:
            stream = self.logs / variant / "deployment"
            stream.mkdir(mode=0o700, parents=True, exist_ok=True)
            with contextlib.closing(LogWriter(stream)) as log:
                log.write_message(text)

        return write

    async def _measure_remaining_engines(self, variant: str, prepared: PreparedModel, limits: ResourceLimits) -> None:
        """Does no harm when it fails: a deployment that ends meanwhile removes the folder."""
        try:
            await self.preparer.measure_remaining_engines(prepared, limits, self._deployment_log(variant))
        except OSError as error:
            _LOG.info("variant %s: the other engines were not measured: %s", variant, error)

    async def _scale(self) -> None:
        while True:
            await asyncio.sleep(SCALE_INTERVAL_S)
            for variant in self.all_variants().values():
                with contextlib.suppress(asyncio.InvalidStateError):
                    variant.scale(time.monotonic())

    def _start_task(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _cancel_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
