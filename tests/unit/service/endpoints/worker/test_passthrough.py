import asyncio
from collections.abc import Callable

import pytest

from naiad.service.endpoints.worker import passthrough
from naiad.service.endpoints.worker.inference import InferenceRequest, InferenceResponse, ModelProcessExited
from naiad.service.endpoints.worker.passthrough import Passthrough


class SlowHandler:
    """Handler that responds once ``may_respond`` is set; the test sets its health and its exit."""

    def __init__(self) -> None:
        self.may_respond, self.exited, self.healthy = asyncio.Event(), asyncio.Event(), True

    async def handle(self, request: InferenceRequest) -> InferenceResponse:
        if request.body == b"late":
            return InferenceResponse(424, b"late")
        await self.may_respond.wait()
        if request.body == b"fail":
            raise RuntimeError("no")
        if request.body == b"exit":
            raise ModelProcessExited("it has exited")
        return InferenceResponse(200, request.body)

    async def is_healthy(self) -> bool:
        return self.healthy

    async def wait_exited(self) -> None:
        await self.exited.wait()

    async def close(self) -> None: ...


def test_requests_run_concurrently_and_each_gets_its_own_response():
    async def run() -> tuple[list[InferenceResponse], int]:
        loop, handler, responses, flushes = asyncio.get_running_loop(), SlowHandler(), [], []
        dispatcher = Passthrough(handler, loop, after_response=lambda: flushes.append(1), disconnect=lambda: None)
        for body in (b"a", b"fail", b"c"):
            dispatcher.submit(InferenceRequest(body), responses.append)
        await asyncio.sleep(0)
        assert not responses
        handler.may_respond.set()
        while len(responses) < 3:
            await asyncio.sleep(0)
        return responses, len(flushes)

    responses, flushes = asyncio.run(run())
    assert {(one.status, one.body) for one in responses} == {(200, b"a"), (200, b"c"), (424, b"RuntimeError: no")}
    assert flushes >= 2


def events_until_disconnect(
    monkeypatch: pytest.MonkeyPatch,
    act: Callable[[SlowHandler, Passthrough, Callable[[InferenceResponse], None]], None],
) -> list[str]:
    """Returns "disconnected" and the statuses of responses, in their order."""
    monkeypatch.setattr(passthrough, "_HEALTH_CHECK_INTERVAL_S", 0.001)

    async def run() -> list[str]:
        loop, handler = asyncio.get_running_loop(), SlowHandler()
        disconnected, events = loop.create_future(), []

        def disconnect() -> None:
            events.append("disconnected")
            if not disconnected.done():
                disconnected.set_result(None)

        dispatcher = Passthrough(handler, loop, after_response=lambda: None, disconnect=disconnect)
        act(handler, dispatcher, lambda response: events.append(f"{response.status}"))
        await asyncio.wait_for(disconnected, 10)
        while len(events) < 1 + (handler.may_respond.is_set()):
            await asyncio.sleep(0)
        return events

    return asyncio.run(run())


def test_a_program_that_is_not_healthy_ends_the_replica(monkeypatch: pytest.MonkeyPatch):
    def act(handler: SlowHandler, *_: object) -> None:
        handler.healthy = False

    assert events_until_disconnect(monkeypatch, act) == ["disconnected"]


def test_a_program_that_has_exited_ends_the_replica_at_once(monkeypatch: pytest.MonkeyPatch):
    def act(handler: SlowHandler, *_: object) -> None:
        handler.exited.set()

    assert events_until_disconnect(monkeypatch, act) == ["disconnected"]


def test_no_response_is_sent_for_an_exited_program_before_the_disconnect(monkeypatch: pytest.MonkeyPatch):
    def act(handler: SlowHandler, dispatcher: Passthrough, send: Callable[[InferenceResponse], None]) -> None:
        handler.may_respond.set()
        dispatcher.submit(InferenceRequest(b"exit"), send)

    assert events_until_disconnect(monkeypatch, act) == ["disconnected", "503"]


def test_a_busy_program_is_not_checked_until_a_request_has_timed_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(passthrough, "_HEALTH_CHECK_INTERVAL_S", 0.0)

    async def run() -> tuple[int, int]:
        loop, handler = asyncio.get_running_loop(), SlowHandler()
        disconnects: list[int] = []
        handler.healthy = False
        dispatcher = Passthrough(handler, loop, after_response=lambda: None, disconnect=lambda: disconnects.append(1))
        dispatcher.submit(InferenceRequest(b"long"), lambda _: None)
        for _ in range(50):
            await asyncio.sleep(0)
        before = len(disconnects)
        dispatcher.submit(InferenceRequest(b"late", timeout_s=0.0), lambda _: None)
        while not disconnects:
            await asyncio.sleep(0)
        return before, len(disconnects)

    assert asyncio.run(run()) == (0, 1)
