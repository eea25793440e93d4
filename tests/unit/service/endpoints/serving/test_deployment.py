"""Deployments on the loop, with replicas that are not processes and answer nothing."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from naiad.service.domain.job import ResourceRequest
from naiad.service.endpoints.rollout import Rollout, make_rollout
from naiad.service.endpoints.serving import deployment as deployment_module
from naiad.service.endpoints.serving.deployment import Deployment
from naiad.service.endpoints.serving.launcher import Launcher
from naiad.service.endpoints.serving.model_sandbox import ModelSandbox

PREPARED = {
    "folder": "",
    "kind": "artifact",
    "engine": "onnxruntime",
    "max_batch_size": 1,
    "environment": {},
    "has_requirements": False,
}


class IdleReplica:
    """Replica that is ready and has no invocations."""

    def __init__(self) -> None:
        self.name, self.is_draining = "r", False
        self.in_flight: dict[int, Any] = {}
        self.ready = asyncio.get_running_loop().create_future()
        self.ready.set_result(None)

    def busy_seconds(self, _now: float) -> float:
        return 0.0

    async def stop(self, *, timeout_s: float) -> None:
        assert timeout_s >= 0


async def launch(_pool: object, _number: int) -> IdleReplica:
    return IdleReplica()


@pytest.fixture(autouse=True)
def _idle_replicas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployment_module, "Launcher", lambda *_, **__: launch)


def rollout(number: int, *, min_count: int = 1, max_count: int = 4, count: int = 1, **more: Any) -> Rollout:
    scaling = {"Status": "ENABLED", "MinInstanceCount": min_count, "MaxInstanceCount": max_count}
    variant = {"VariantName": "v", "ModelName": "m", "InitialInstanceCount": count, "InstanceType": "ml.m5.large"}
    config = {"EndpointConfigName": "c", "ProductionVariants": [{**variant, **more, "ManagedInstanceScaling": scaling}]}
    return make_rollout(number, config, {"m": {"Image": "a"}})


def make_deployment(folder: Path, of: Rollout) -> Deployment:
    """Returns a deployment whose model has been prepared."""
    own = folder / f"{of.deployment_number}"
    (own / "v").mkdir(parents=True)
    (own / "v" / "prepared.json").write_text(json.dumps(PREPARED))
    preparer: Any = SimpleNamespace(sandbox=ModelSandbox(folder))
    return Deployment(of, own, folder / "logs", preparer, lambda _: ResourceRequest(1, 1, 2**33), lambda *_: None)


def run(folder: Path, first: Rollout, act: Callable[[Deployment], Awaitable[None]]) -> None:
    async def main() -> None:
        deployment = make_deployment(folder, first)
        await deployment.start()
        await act(deployment)
        await deployment.close()

    asyncio.run(main())


def test_the_start_timeout_is_the_variants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The replica set waits so long, and the replica gets the same timeout."""
    launchers: list[Launcher] = []

    def launcher(*arguments: Any, **options: Any) -> Any:
        launchers.append(Launcher(*arguments, **options))
        return launch

    monkeypatch.setattr(deployment_module, "Launcher", launcher)

    async def act(deployment: Deployment) -> None:
        assert deployment.variants["v"].pool.replica_set.start_timeout_s == 3000
        assert launchers[0].start_timeout_s == 3000
        assert launchers[0].limits.memory_bytes == 2**33

    run(tmp_path, rollout(1, ContainerStartupHealthCheckTimeoutInSeconds=3000), act)


def test_an_update_begins_with_the_scale_of_the_previous_deployment(tmp_path: Path):
    async def act(previous: Deployment) -> None:
        previous.variants["v"].resize(4)
        for number, max_count, count in ((2, 8, 4), (3, 3, 3)):
            new = make_deployment(tmp_path, rollout(number, max_count=max_count))
            await new.start(previous)
            assert (new.variants["v"].desired_count, len(new.variants["v"].pool.replicas)) == (count, count)
            await new.close()

    run(tmp_path, rollout(1), act)


def test_an_update_keeps_the_time_of_the_last_invocation(tmp_path: Path):
    async def act(previous: Deployment) -> None:
        invoked_at = previous.variants["v"].pool.last_invocation_at = time.monotonic() - 299
        new = make_deployment(tmp_path, rollout(2, min_count=0))
        await new.start(previous)
        variant = new.variants["v"]
        variant.scale(invoked_at + 299)
        assert variant.desired_count == 1
        variant.scale(invoked_at + 301)
        assert variant.desired_count == 0
        await new.close()

    run(tmp_path, rollout(1, min_count=0), act)


def test_a_variant_that_was_never_invoked_stays_for_the_whole_idle_timeout(tmp_path: Path):
    """The default timeout is 300 s."""

    async def act(deployment: Deployment) -> None:
        variant, now = deployment.variants["v"], time.monotonic()
        variant.scale(now + 290)
        assert variant.desired_count == 1
        variant.scale(now + 301)
        assert variant.desired_count == 0

    run(tmp_path, rollout(1, min_count=0), act)


def test_a_new_weight_keeps_the_count_that_scaling_has_made(tmp_path: Path):
    async def act(deployment: Deployment) -> None:
        variant = deployment.variants["v"]
        for count in (4, 0):
            variant.resize(count)
            deployment.update_weights_and_capacities(rollout(1, min_count=0), {})
            assert (variant.desired_count, variant.pool.replica_set.desired_count) == (count, count)
        deployment.update_weights_and_capacities(rollout(1, min_count=0, count=2), {"v": 2})
        assert (variant.desired_count, variant.pool.replica_set.desired_count) == (2, 2)

    run(tmp_path, rollout(1, min_count=0), act)
