"""A deployment on the loop, with replicas that are no processes and answer nothing."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from naiad.service.endpoints.rollout import Plan, plan_of
from naiad.service.endpoints.serving import deployment as deployments
from naiad.service.endpoints.serving.deployment import Deployment
from naiad.service.endpoints.serving.launcher import Launcher

PREPARED = {
    "folder": "",
    "kind": "artifact",
    "engine": "onnxruntime",
    "most_samples": 1,
    "environment": {},
    "has_packages": False,
}


class Ready:
    """A replica that is there, and idle."""

    def __init__(self) -> None:
        self.name, self.is_draining = "r", False
        self.in_flight: dict[int, Any] = {}
        self.ready = asyncio.get_running_loop().create_future()
        self.ready.set_result(None)

    def busy_until(self, _now: float) -> float:
        return 0.0

    async def end(self, *, within_s: float) -> None:
        assert within_s >= 0


@pytest.fixture(autouse=True)
def _replicas(monkeypatch: pytest.MonkeyPatch) -> None:
    async def launch(_pool: object, _number: int) -> Ready:
        return Ready()

    monkeypatch.setattr(deployments, "Launcher", lambda *_: launch)


def plan(number: int, *, least: int = 1, most: int = 4, count: int = 1, **more: Any) -> Plan:
    scaling = {"Status": "ENABLED", "MinInstanceCount": least, "MaxInstanceCount": most}
    variant = {"VariantName": "v", "ModelName": "m", "InitialInstanceCount": count, "InstanceType": "ml.m5.large"}
    config = {"EndpointConfigName": "c", "ProductionVariants": [{**variant, **more, "ManagedInstanceScaling": scaling}]}
    return plan_of(number, config, {"m": {"Image": "a"}})


def with_deployment(folder: Path, first: Plan, then: Callable[[Deployment], Awaitable[None]]) -> None:
    async def run() -> None:
        deployment = made(folder, first)
        await deployment.start()
        await then(deployment)
        await deployment.close()

    asyncio.run(run())


def made(folder: Path, of: Plan) -> Deployment:
    """Prepared already."""
    own = folder / f"{of.number}"
    (own / "v").mkdir(parents=True)
    (own / "v" / "prepared.json").write_text(json.dumps(PREPARED))
    return Deployment(of, own, folder / "logs", Preparer(folder), lambda _: 1, lambda *_: None)  # type: ignore[arg-type]


class Preparer:
    """Of which only the folder is asked."""

    def __init__(self, state_folder: Path) -> None:
        self.state_folder = state_folder


def test_a_start_may_take_as_long_as_its_variant_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The pool waits so long, and the replica is told."""
    given: list[tuple[Any, ...]] = []

    async def launch(_pool: object, _number: int) -> Ready:
        return Ready()

    def launcher(*arguments: Any) -> Any:
        given.append(arguments)
        return launch

    monkeypatch.setattr(deployments, "Launcher", launcher)

    async def then(deployment: Deployment) -> None:
        assert deployment.variants["v"].pool.start_timeout_s == 3000
        assert Launcher(*given[0]).start_timeout_s == 3000

    with_deployment(tmp_path, plan(1, ContainerStartupHealthCheckTimeoutInSeconds=3000), then)


def test_an_update_begins_with_as_many_as_the_old_one_was_scaled_to(tmp_path: Path):
    async def then(old: Deployment) -> None:
        old.variants["v"].resize(4)
        for number, most, count in ((2, 8, 4), (3, 3, 3)):
            new = made(tmp_path, plan(number, most=most))
            await new.start(old)
            assert (new.variants["v"].instances, len(new.variants["v"].pool.replicas)) == (count, count)
            await new.close()

    with_deployment(tmp_path, plan(1), then)


def test_an_update_goes_on_with_when_it_was_asked_last(tmp_path: Path):
    async def then(old: Deployment) -> None:
        asked_at = old.variants["v"].pool.last_asked_at = time.monotonic() - 299
        new = made(tmp_path, plan(2, least=0))
        await new.start(old)
        variant = new.variants["v"]
        variant.scale(asked_at + 299)
        assert variant.instances == 1
        variant.scale(asked_at + 301)
        assert variant.instances == 0
        await new.close()

    with_deployment(tmp_path, plan(1, least=0), then)


def test_what_nobody_has_asked_yet_stays_for_the_whole_idle_time(tmp_path: Path):
    """The default one, 300 s, by the clock that is given."""

    async def then(deployment: Deployment) -> None:
        variant, now = deployment.variants["v"], time.monotonic()
        variant.scale(now + 290)
        assert variant.instances == 1
        variant.scale(now + 301)
        assert variant.instances == 0

    with_deployment(tmp_path, plan(1, least=0), then)


def test_a_weight_leaves_the_count_that_scaling_has_made(tmp_path: Path):
    async def then(deployment: Deployment) -> None:
        variant = deployment.variants["v"]
        for count in (4, 0):
            variant.resize(count)
            deployment.rescale(plan(1, least=0), {})
            assert (variant.instances, variant.pool.wanted) == (count, count)
        deployment.rescale(plan(1, least=0, count=2), {"v": 2})
        assert (variant.instances, variant.pool.wanted) == (2, 2)

    with_deployment(tmp_path, plan(1, least=0), then)
