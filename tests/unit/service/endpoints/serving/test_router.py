"""Errors of the router for endpoints that do not answer; tests/e2e/endpoints has tests of those that do."""

import asyncio
import datetime as dt
from types import SimpleNamespace
from typing import ClassVar

import pytest

from naiad.service.domain.entity import EndpointStatus, Entity, EntityKind
from naiad.service.domain.errors import NotFound
from naiad.service.endpoints.control.service import EndpointService
from naiad.service.endpoints.serving.invocation import Invocation, NotReady, QueueFull
from naiad.service.endpoints.serving.router import EndpointRouter

NOW = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)


async def invoke(router: EndpointRouter) -> None:
    router.submit("e", Invocation(b"", b"", asyncio.get_running_loop().create_future(), 0.0))


def router_with_status(service: EndpointService, status: EndpointStatus | None) -> EndpointRouter:
    """Returns the router after the store was read, in which the endpoint has that status."""
    if status is not None:
        service.entities.add(Entity(EntityKind.ENDPOINT, "e", "us-east-1", {}, NOW, NOW, status, {}), {})

    async def run() -> None:
        await service.reconciler.reconcile_all()
        service.reconciler.cancel_tasks()

    asyncio.run(run())
    return service.router


@pytest.mark.parametrize("status", [EndpointStatus.IN_SERVICE, EndpointStatus.UPDATING])
def test_an_endpoint_that_was_in_service_is_not_ready(service: EndpointService, status: EndpointStatus):
    with pytest.raises(NotReady, match="is being started") as raised:
        asyncio.run(invoke(router_with_status(service, status)))
    assert raised.value.retry_after_s == 1


def test_every_endpoint_is_not_ready_before_the_store_was_read(service: EndpointService):
    async def run() -> None:
        running = asyncio.create_task(service.reconciler.run())
        await asyncio.sleep(0)
        with pytest.raises(NotReady, match="is being started"):
            await invoke(service.router)
        running.cancel()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("status", "message"),
    [(EndpointStatus.CREATING, "it answers when"), (EndpointStatus.FAILED, "is Failed"), (None, "e not found")],
)
def test_an_endpoint_that_was_never_in_service_is_not_found(
    service: EndpointService, status: EndpointStatus | None, message: str
):
    with pytest.raises(NotFound, match=message):
        asyncio.run(invoke(router_with_status(service, status)))


class FullDeployment:
    """Deployment whose only variant has a full queue."""

    shadow_variants: ClassVar[dict[str, object]] = {}

    def choose_variant(self, _target: str) -> SimpleNamespace:
        return SimpleNamespace(name="v", pool=self)

    def submit(self, _invocation: Invocation) -> None:
        raise QueueFull("64 wait", retry_after_s=1)


@pytest.mark.parametrize("is_retry", [False, True])
def test_a_refusal_is_counted_unless_it_is_a_retry(service: EndpointService, is_retry: bool):  # reason: a case
    router = service.router
    router.deployments["e"] = FullDeployment()  # type: ignore[assignment]
    with pytest.raises(QueueFull):
        router.submit("e", Invocation(b"", b"", None, 0.0), is_retry=is_retry)  # type: ignore[arg-type]
    totals = router.metrics.totals
    assert {key: total.by_status for key, total in totals.items()} == ({} if is_retry else {("e", "v"): {503: 1}})
