import asyncio

from naiad.service.endpoints.worker import passing
from naiad.service.endpoints.worker.passing import Passing
from naiad.service.endpoints.worker.port import Answer, Invocation


class Slow:
    """Answers when it is let; its health is what it is set to."""

    def __init__(self) -> None:
        self.go, self.healthy = asyncio.Event(), True

    async def start(self) -> None: ...

    async def answer(self, invocation: Invocation) -> Answer:
        await self.go.wait()
        if invocation.body == b"fail":
            raise RuntimeError("no")
        return Answer(200, invocation.body)

    async def is_healthy(self) -> bool:
        return self.healthy

    async def close(self) -> None: ...


def test_many_at_a_time_and_each_its_own_answer():
    async def run() -> tuple[list[Answer], int]:
        loop, handler, found, flushes = asyncio.get_running_loop(), Slow(), [], []
        passing = Passing(handler, loop, after=lambda: flushes.append(1), gone=loop.create_future())
        for body in (b"a", b"fail", b"c"):
            passing.add(Invocation(body), found.append)
        await asyncio.sleep(0)
        assert not found
        handler.go.set()
        while len(found) < 3:
            await asyncio.sleep(0)
        return found, len(flushes)

    found, flushes = asyncio.run(run())
    assert {(answer.status, answer.body) for answer in found} == {(200, b"a"), (200, b"c"), (424, b"RuntimeError: no")}
    assert flushes >= 2


def test_one_that_is_not_well_any_more_ends_the_replica(monkeypatch):
    monkeypatch.setattr(passing, "_LOOK_EVERY_S", 0.001)

    async def run() -> None:
        loop, handler = asyncio.get_running_loop(), Slow()
        gone = loop.create_future()
        watched = Passing(handler, loop, after=lambda: None, gone=gone)
        await asyncio.sleep(0.02)
        assert not gone.done()
        handler.healthy = False
        await asyncio.wait_for(gone, 10)
        assert watched

    asyncio.run(run())
