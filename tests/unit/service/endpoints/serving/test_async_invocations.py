"""Rooms and retries, with endpoints that answer when the test says so; a live server's are in tests/e2e/endpoints."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from naiad.service.blobs.open import open_blobs
from naiad.service.blobs.port import ObjectAttributes
from naiad.service.endpoints.serving import async_invocations
from naiad.service.endpoints.serving.async_invocations import AsyncInvocations, AsyncRequest, Room
from naiad.service.endpoints.serving.deployment import VariantState
from naiad.service.endpoints.serving.invocation import Call, Full, Reply


@dataclass
class Endpoints:
    """Keeps what it is asked; of ``full`` ones it takes nothing."""

    each: int | None = None
    full: set[str] = field(default_factory=set)
    asked: list[tuple[str, Call]] = field(default_factory=list)

    def submit(self, name: str, call: Call, *, comes_again: bool) -> None:
        assert comes_again
        if name in self.full:
            raise Full("64 wait", retry_after_s=1)
        self.asked.append((name, call))

    def plan_of(self, _name: str) -> Any:
        config = {"OutputConfig": {"S3OutputPath": "s3://data/answers"}}
        if self.each is not None:
            config["ClientConfig"] = {"MaxConcurrentInvocationsPerInstance": self.each}  # type: ignore[dict-item]
        return SimpleNamespace(asynchronous=config, variants=[SimpleNamespace(name="v")])

    def look(self, _name: str) -> dict[str, VariantState]:
        return {"v": VariantState(2, 2, 0)}

    def names(self) -> list[str]:
        return [name for name, _ in self.asked]


class Now:
    def now(self) -> dt.datetime:
        return dt.datetime(2030, 1, 1, tzinfo=dt.UTC)


def request(name: str) -> AsyncRequest:
    return AsyncRequest(name, "mine", "s3://data/question", "text/plain", "", "", ttl_s=60, timeout_s=900)


def run(folder: Path, endpoints: Endpoints, then: Callable[[AsyncInvocations], Awaitable[None]]) -> None:
    blobs = open_blobs(str(folder / "blobs"))
    blobs.create_bucket("data")
    blobs.put("data", "question", [b"21"], attributes=ObjectAttributes("text/plain"))

    async def main() -> None:
        invocations = AsyncInvocations(endpoints, blobs, Now(), folder)  # type: ignore[arg-type]
        try:
            await asyncio.wait_for(then(invocations), 30)
        finally:
            invocations.close()

    asyncio.run(main())


async def until(found: Callable[[], Any]) -> None:
    while not found():
        await asyncio.sleep(0)


async def accepted(invocations: AsyncInvocations, name: str, count: int) -> list[AsyncRequest]:
    plan = invocations.endpoints.plan_of(name)
    return [await invocations.accept(request(name), plan) for _ in range(count)]


def test_a_slow_endpoint_holds_up_no_other(tmp_path: Path):
    endpoints = Endpoints()

    async def then(invocations: AsyncInvocations) -> None:
        await accepted(invocations, "slow", 20)
        await until(lambda: endpoints.names().count("slow") == 16)
        (kept,) = await accepted(invocations, "quick", 1)
        await until(lambda: "quick" in endpoints.names())
        assert endpoints.names().count("slow") == 16
        endpoints.asked[-1][1].answer(Reply(200, "text/plain", "", b"42"))
        key = kept.output_location.removeprefix("s3://data/")
        await until(lambda: not list((tmp_path / "endpoints" / "quick" / "async").iterdir()))
        assert b"".join(invocations.blobs.read("data", key)[1]) == b"42"

    run(tmp_path, endpoints, then)


def test_as_many_at_once_as_the_configuration_says_of_each_instance(tmp_path: Path):
    endpoints = Endpoints(each=1)

    async def then(invocations: AsyncInvocations) -> None:
        await accepted(invocations, "e", 3)
        await until(lambda: len(endpoints.asked) == 2)
        assert (endpoints.asked[0][1].timeout_s, endpoints.asked[0][1].request_id) == (900.0, "mine")
        endpoints.asked[0][1].answer(Reply(200, "text/plain", "", b"42"))
        await until(lambda: len(endpoints.asked) == 3)

    run(tmp_path, endpoints, then)


def test_what_waits_for_another_time_leaves_its_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(async_invocations, "_AGAIN_AFTER_S", 0.001)
    endpoints = Endpoints(each=1, full={"e"})

    async def then(invocations: AsyncInvocations) -> None:
        await accepted(invocations, "e", 4)
        await until(lambda: not invocations._rooms)
        endpoints.full.clear()
        await until(lambda: len(endpoints.asked) == 2)
        endpoints.asked[0][1].answer(Reply(503, "text/plain", "", b"the endpoint has ended"))
        await until(lambda: len(endpoints.asked) == 3)

    run(tmp_path, endpoints, then)


def test_a_room_lets_in_as_many_as_there_may_be_now():
    async def main() -> None:
        room, most, over = Room(), [1], asyncio.Event()

        async def stay() -> None:
            async with room.place(lambda: most[0]):
                await over.wait()

        tasks = [asyncio.create_task(stay()) for _ in range(3)]
        await until(lambda: (room.inside, room.waiting) == (1, 2))
        over.set()
        await asyncio.gather(*tasks)
        assert room.is_empty

    asyncio.run(main())
