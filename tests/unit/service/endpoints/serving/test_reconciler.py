"""What the manager says of endpoints that do not answer now; their lives are in tests/e2e/endpoints."""

import asyncio
import datetime as dt
from types import SimpleNamespace
from typing import ClassVar

import pytest

from naiad.service.domain.entity import EndpointStatus, Entity, EntityKind
from naiad.service.domain.errors import NotFound
from naiad.service.endpoints.control.service import EndpointService
from naiad.service.endpoints.serving.invocation import Call, Full, NotNow
from naiad.service.endpoints.serving.reconciler import EndpointManager

NOW = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)


def ask(manager: EndpointManager) -> None:
    async def run() -> None:
        manager.submit("e", Call(b"", b"", asyncio.get_running_loop().create_future(), 0.0))

    asyncio.run(run())


def looked(service: EndpointService, status: EndpointStatus | None) -> EndpointManager:
    """At a store in which the endpoint has that status."""
    if status is not None:
        service.entities.add(Entity(EntityKind.ENDPOINT, "e", "us-east-1", {}, NOW, NOW, status, {}), {})

    async def run() -> None:
        await service.manager._look_at_all()
        for task in service.manager._settling.values():
            task.cancel()

    asyncio.run(run())
    return service.manager


@pytest.mark.parametrize("status", [EndpointStatus.IN_SERVICE, EndpointStatus.UPDATING])
def test_what_was_in_service_is_asked_again(service: EndpointService, status: EndpointStatus):
    with pytest.raises(NotNow, match="is being started") as found:
        ask(looked(service, status))
    assert found.value.retry_after_s == 1


def test_nothing_is_known_before_the_store_was_looked_at(service: EndpointService):
    async def run() -> None:
        running = asyncio.create_task(service.manager.run())
        await asyncio.sleep(0)
        with pytest.raises(NotNow, match="is being started"):
            service.manager.submit("e", Call(b"", b"", asyncio.get_running_loop().create_future(), 0.0))
        running.cancel()

    asyncio.run(run())


class Crowded:
    """A deployment whose one variant is full."""

    shadows: ClassVar[dict[str, object]] = {}
    plan = SimpleNamespace(name="v")

    @property
    def pool(self) -> "Crowded":
        return self

    def choose(self, _target: str) -> "Crowded":
        return self

    def submit(self, _call: Call) -> None:
        raise Full("64 wait", retry_after_s=1)


@pytest.mark.parametrize("comes_again", [False, True])
def test_a_refusal_is_counted_once_for_whoever_asked(service: EndpointService, comes_again: bool):  # reason: a case
    service.manager._live["e"] = Crowded()  # type: ignore[assignment]
    with pytest.raises(Full):
        service.manager.submit("e", Call(b"", b"", None, 0.0), comes_again=comes_again)  # type: ignore[arg-type]
    totals = service.manager.meter.totals
    assert {key: total.by_status for key, total in totals.items()} == ({} if comes_again else {("e", "v"): {503: 1}})


@pytest.mark.parametrize(
    ("status", "said"),
    [(EndpointStatus.CREATING, "it answers when"), (EndpointStatus.FAILED, "is Failed"), (None, "e not found")],
)
def test_what_never_was_is_not_found(service: EndpointService, status: EndpointStatus | None, said: str):
    with pytest.raises(NotFound, match=said):
        ask(looked(service, status))
