import asyncio
from collections.abc import Callable

import pytest

from naiad.service.endpoints.worker import passthrough
from naiad.service.endpoints.worker.inference import Answer, Gone, Invocation
from naiad.service.endpoints.worker.passthrough import Passing


class Slow:
    """Answers when it is let; its health is what it is set to."""

    def __init__(self) -> None:
        self.go, self.end, self.healthy = asyncio.Event(), asyncio.Event(), True

    async def start(self) -> None: ...

    async def answer(self, invocation: Invocation) -> Answer:
        if invocation.body == b"late":
            return Answer(424, b"late")
        await self.go.wait()
        if invocation.body == b"fail":
            raise RuntimeError("no")
        if invocation.body == b"gone":
            raise Gone("it has ended")
        return Answer(200, invocation.body)

    async def is_healthy(self) -> bool:
        return self.healthy

    async def ended(self) -> None:
        await self.end.wait()

    async def close(self) -> None: ...


def test_many_at_a_time_and_each_its_own_answer():
    async def run() -> tuple[list[Answer], int]:
        loop, handler, found, flushes = asyncio.get_running_loop(), Slow(), [], []
        passing = Passing(handler, loop, after=lambda: flushes.append(1), lose=lambda: None)
        for body in (b"a", b"fail", b"c"):
            passthrough.add(Invocation(body), found.append)
        await asyncio.sleep(0)
        assert not found
        handler.go.set()
        while len(found) < 3:
            await asyncio.sleep(0)
        return found, len(flushes)

    found, flushes = asyncio.run(run())
    assert {(answer.status, answer.body) for answer in found} == {(200, b"a"), (200, b"c"), (424, b"RuntimeError: no")}
    assert flushes >= 2


def lost(monkeypatch: pytest.MonkeyPatch, then: Callable[[Slow, Passing, Callable[[Answer], None]], None]) -> list[str]:
    """What happened, in its order, until the link was lost."""
    monkeypatch.setattr(passthrough, "_LOOK_EVERY_S", 0.001)

    async def run() -> list[str]:
        loop, handler = asyncio.get_running_loop(), Slow()
        gone, said = loop.create_future(), []

        def lose() -> None:
            said.append("lost")
            if not gone.done():
                gone.set_result(None)

        watched = Passing(handler, loop, after=lambda: None, lose=lose)
        then(handler, watched, lambda answer: said.append(f"{answer.status}"))
        await asyncio.wait_for(gone, 10)
        while len(said) < 1 + (handler.go.is_set()):
            await asyncio.sleep(0)
        return said

    return asyncio.run(run())


def test_one_that_is_not_well_any_more_ends_the_replica(monkeypatch: pytest.MonkeyPatch):
    def then(handler: Slow, *_: object) -> None:
        handler.healthy = False

    assert lost(monkeypatch, then) == ["lost"]


def test_one_that_has_ended_ends_the_replica_at_once(monkeypatch: pytest.MonkeyPatch):
    def then(handler: Slow, *_: object) -> None:
        handler.end.set()

    assert lost(monkeypatch, then) == ["lost"]


def test_what_it_had_when_it_ended_is_not_answered_before_the_link_is_lost(monkeypatch: pytest.MonkeyPatch):
    def then(handler: Slow, watched: Passing, reply: Callable[[Answer], None]) -> None:
        handler.go.set()
        watched.add(Invocation(b"gone"), reply)

    assert lost(monkeypatch, then) == ["lost", "503"]


def test_one_that_is_at_work_need_not_answer_for_its_health_until_it_is_late(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(passthrough, "_LOOK_EVERY_S", 0.0)

    async def run() -> tuple[int, int]:
        loop, handler = asyncio.get_running_loop(), Slow()
        losses: list[int] = []
        handler.healthy = False
        watched = Passing(handler, loop, after=lambda: None, lose=lambda: losses.append(1))
        watched.add(Invocation(b"long"), lambda _: None)
        for _ in range(50):
            await asyncio.sleep(0)
        before = len(losses)
        watched.add(Invocation(b"late", timeout_s=0.0), lambda _: None)
        while not losses:
            await asyncio.sleep(0)
        return before, len(losses)

    assert asyncio.run(run()) == (0, 1)
