"""A plan at work: its variants with their replicas. An update starts a second one beside the first."""

import asyncio
import contextlib
import json
import logging
import random
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from naiad import durable
from naiad.service.contract.log_writer import LogWriter
from naiad.service.domain.errors import NotFound
from naiad.service.endpoints.rollout import Plan, VariantPlan
from naiad.service.endpoints.serving.invocation import Call, Reply
from naiad.service.endpoints.serving.launcher import Launcher
from naiad.service.endpoints.serving.model_preparer import Prepared, Preparer
from naiad.service.endpoints.serving.replica_pool import Pool
from naiad.service.endpoints.serving.scaling import Bounds, Sample, Scaler

_LOG = logging.getLogger(__name__)
_SCALE_EVERY_S = 1.0
_RECORD = "prepared.json"
CoresOf = Callable[[VariantPlan], int]
OnDone = Callable[[str, Call, Reply], None]
"""Given the variant's name too."""


@dataclass(frozen=True)
class VariantState:
    ready: int
    """Instances that answer."""
    wanted: int
    waiting: int
    """Invocations that no replica has yet."""


@dataclass
class Variant:
    plan: VariantPlan
    pool: Pool
    scaler: Scaler
    per_instance: int
    """Replicas: one a core, each with one thread."""
    instances: int
    """Wanted."""
    weight: float
    _busy_s: float = 0.0
    _looked_at: float = 0.0

    @property
    def state(self) -> VariantState:
        ready = -(-len(self.pool.replicas) // self.per_instance)
        return VariantState(ready, self.instances, len(self.pool.waiting))

    def follow(self, before: "Variant") -> None:
        """No fewer instances than another deployment has scaled it to, within the bounds of its own."""
        if not before.scaler.bounds.is_fixed:
            bounds = self.scaler.bounds
            self.instances = min(max(self.instances, before.instances, bounds.least), bounds.most)

    def resize(self, instances: int) -> None:
        self.instances = instances
        self.pool.resize(instances * self.per_instance)

    def scale(self, now: float) -> None:
        if self.pool.wanted and not self.instances:
            self.resize(1)  # a call has woken it
        busy_s = sum(replica.busy_until(now) for replica in self.pool.replicas)
        span_s = now - self._looked_at if self._looked_at else _SCALE_EVERY_S
        busy = max(0.0, busy_s - self._busy_s) / span_s / self.per_instance
        self._busy_s, self._looked_at = busy_s, now
        wanted = self.scaler.decide(
            Sample(now, busy, len(self.pool.waiting)), instances=self.instances, last_asked_at=self.pool.last_asked_at
        )
        if wanted != self.instances:
            _LOG.info("variant %s: %d instances → %d", self.plan.name, self.instances, wanted)
            self.resize(wanted)


@dataclass
class Deployment:
    """For the loop's thread."""

    plan: Plan
    folder: Path
    """Of this deployment: <state>/endpoints/<endpoint>/<number>."""
    logs: Path
    """<state>/endpoints/<endpoint>/logs: a folder a stream, by variant."""
    preparer: Preparer
    cores_of: CoresOf
    on_done: OnDone
    variants: dict[str, Variant] = field(default_factory=dict)
    shadows: dict[str, Variant] = field(default_factory=dict)
    _artifacts: dict[str, Prepared] = field(default_factory=dict)
    """By variant, of those that an engine runs."""
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    async def start(self, before: "Deployment | None" = None) -> None:
        """Returns when every variant has its first replicas. Raises ServiceError; then nothing is left running.

        before: the one whose place it takes; how many it has scaled its variants to, and when they were asked, goes on.
        """
        old = before.all_variants() if before is not None else {}
        try:
            for plans, variants in ((self.plan.variants, self.variants), (self.plan.shadows, self.shadows)):
                for plan in plans:
                    variants[plan.name] = await self._variant(plan)
            for name, variant in self.all_variants().items():
                self._keep(variant.pool.watch())
                if name in old:
                    variant.follow(old[name])
                variant.resize(max(variant.instances, 1))
            for variant in self._all():
                await variant.pool.become_ready()
        except BaseException:
            await self.close()
            raise
        for name, variant in self.all_variants().items():
            variant.pool.last_asked_at = old[name].pool.last_asked_at if name in old else time.monotonic()
        self._keep(self._scale())
        for name, prepared in self._artifacts.items():
            self._keep(self._measure_rest(name, prepared))

    def rescale(self, plan: Plan, counts: Mapping[str, int]) -> None:
        """To a plan of the same variants. counts: by variant, of those that are to have another number of instances."""
        self.plan = plan
        for one in plan.variants:
            variant = self.variants[one.name]
            variant.plan, variant.weight = one, one.weight
            variant.scaler.bounds = replace(variant.scaler.bounds, least=one.least, most=one.most)
            if one.name in counts:
                variant.resize(counts[one.name])

    def choose(self, target: str) -> Variant:
        """By the weights, or the one that is named. Raises NotFound."""
        if target:
            if target not in self.variants:
                raise NotFound(f"there is no variant {target!r}; there are {', '.join(self.variants)}")
            return self.variants[target]
        if len(self.variants) == 1:
            return next(iter(self.variants.values()))
        candidates = list(self.variants.values())
        weights = [variant.weight for variant in candidates]
        if not any(weights):
            raise NotFound("every variant has the weight 0; name one as TargetVariant")
        return random.choices(candidates, weights)[0]  # reason: it spreads load

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*(variant.pool.close() for variant in self._all()))

    def kill(self) -> None:
        """At once, without finishing anything."""
        for task in self._tasks:
            task.cancel()
        for variant in self._all():
            variant.pool.wanted = 0
            for replica in variant.pool.replicas:
                replica.kill()

    def say(self, variant: str, text: str) -> None:
        """A line in the variant's own log stream."""
        stream = self.logs / variant / "deployment"
        stream.mkdir(mode=0o700, parents=True, exist_ok=True)
        log = LogWriter(stream)
        log.write_message(text)
        log.close()

    def all_variants(self) -> dict[str, Variant]:
        """By name, shadows too."""
        return {**self.variants, **self.shadows}

    def _all(self) -> list[Variant]:
        return list(self.all_variants().values())

    async def _variant(self, plan: VariantPlan) -> Variant:
        loop = asyncio.get_running_loop()
        prepared = await loop.run_in_executor(None, self._prepared, plan)
        if prepared.engine is not None:
            self._artifacts[plan.name] = prepared
        prefix = f"i-{self.plan.number:03d}{int(time.time()):x}"
        launcher = Launcher(prepared, self.preparer.state_folder, self.logs / plan.name, prefix, plan.start_timeout_s)
        pool = Pool(plan.name, launcher, 2 * prepared.most_samples, plan.start_timeout_s)
        if prepared.kind == "program":
            pool.window = _MOST_PASSED_ON
        pool.on_done = lambda call, reply: self.on_done(plan.name, call, reply)
        per_instance = prepared.workers or (1 if plan.serverless else self.cores_of(plan))
        bounds = Bounds(plan.least, plan.most, plan.idle_s)
        return Variant(plan, pool, Scaler(bounds), per_instance, plan.instances, plan.weight)

    def _prepared(self, plan: VariantPlan) -> Prepared:
        """What an earlier server has prepared is taken as it is."""
        folder = self.folder / plan.name
        record = folder / _RECORD
        if record.is_file():
            return replace(Prepared(**json.loads(record.read_text(encoding="utf-8"))), folder=folder)
        prepared = self.preparer.prepare(plan.container, folder, lambda text: self.say(plan.name, text))
        durable.write_file(record, json.dumps({**asdict(prepared), "folder": ""}).encode())
        return prepared

    async def _measure_rest(self, name: str, prepared: Prepared) -> None:
        """Of which nothing depends: a deployment that goes meanwhile takes the folder along."""
        try:
            await self.preparer.measure_rest(prepared, lambda text: self.say(name, text))
        except OSError as error:
            _LOG.info("variant %s: the other engines were not measured: %s", name, error)

    async def _scale(self) -> None:
        while True:
            await asyncio.sleep(_SCALE_EVERY_S)
            for variant in self._all():
                with contextlib.suppress(asyncio.InvalidStateError):
                    variant.scale(time.monotonic())

    def _keep(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


_MOST_PASSED_ON = 64
"""Calls that an executable is given at once."""
