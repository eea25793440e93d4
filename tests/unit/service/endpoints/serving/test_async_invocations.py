"""Limits and retries, with a router that responds when the test says so; tests/e2e/endpoints has those of a live server."""

import asyncio
import datetime as dt
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from naiad.service.blobs.open import open_blobs
from naiad.service.blobs.port import ObjectAttributes
from naiad.service.domain.errors import Invalid
from naiad.service.endpoints.rollout import Rollout
from naiad.service.endpoints.serving import async_invocations
from naiad.service.endpoints.serving.async_invocations import AsyncInvocations, AsyncRequest
from naiad.service.endpoints.serving.invocation import Invocation, InvocationResponse, QueueFull
from naiad.service.endpoints.serving.variant import VariantState


@dataclass
class RecordingRouter:
    """Router that records invocations, and refuses those of endpoints in ``full``."""

    per_instance: int | None = None
    full: set[str] = field(default_factory=set)
    invocations: list[tuple[str, Invocation]] = field(default_factory=list)

    def submit(self, name: str, invocation: Invocation, *, is_retry: bool) -> None:
        assert is_retry
        if name in self.full:
            raise QueueFull("64 wait", retry_after_s=1)
        self.invocations.append((name, invocation))

    def rollout(self, _name: str) -> Any:
        config: dict[str, Any] = {"OutputConfig": {"S3OutputPath": "s3://data/answers"}}
        if self.per_instance is not None:
            config["ClientConfig"] = {"MaxConcurrentInvocationsPerInstance": self.per_instance}
        return SimpleNamespace(async_inference_config=config, variants=[SimpleNamespace(name="v")])

    def variant_states(self, _name: str) -> dict[str, VariantState]:
        return {"v": VariantState(2, 2, 0)}

    def names(self) -> list[str]:
        return [name for name, _ in self.invocations]


class FixedClock:
    jumped_s = 0.0

    def now(self) -> dt.datetime:
        return dt.datetime(2030, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=self.jumped_s)

    def monotonic_s(self) -> float:
        return 5.0


def request(name: str) -> AsyncRequest:
    return AsyncRequest(name, "mine", "s3://data/question", "text/plain", "", "", ttl_s=60, timeout_s=900)


def run(folder: Path, router: RecordingRouter, act: Callable[[AsyncInvocations], Awaitable[None]]) -> None:
    blobs = open_blobs(str(folder / "blobs"))
    blobs.create_bucket("data")
    blobs.put("data", "question", [b"21"], attributes=ObjectAttributes("text/plain"))

    async def main() -> None:
        invocations = AsyncInvocations(router, None, blobs, FixedClock(), folder)  # type: ignore[arg-type]
        try:
            await asyncio.wait_for(act(invocations), 30)
        finally:
            invocations.close()

    asyncio.run(main())


async def until(condition: Callable[[], Any]) -> None:
    while not condition():
        await asyncio.sleep(0)


async def accept(invocations: AsyncInvocations, name: str, count: int) -> list[AsyncRequest]:
    rollout = invocations.router.rollout(name)
    return [await invocations.accept(request(name), rollout) for _ in range(count)]


def test_a_slow_endpoint_does_not_hold_up_another(tmp_path: Path):
    router = RecordingRouter()

    async def act(invocations: AsyncInvocations) -> None:
        await accept(invocations, "slow", 20)
        await until(lambda: router.names().count("slow") == 16)
        (accepted,) = await accept(invocations, "quick", 1)
        await until(lambda: "quick" in router.names())
        assert router.names().count("slow") == 16
        router.invocations[-1][1].respond(InvocationResponse(200, "text/plain", "", b"42"))
        key = accepted.output_location.removeprefix("s3://data/")
        await until(lambda: not list((tmp_path / "endpoints" / "quick" / "async").iterdir()))
        assert b"".join(invocations.blobs.read("data", key)[1]) == b"42"

    run(tmp_path, router, act)


def test_the_configuration_limits_the_requests_of_each_instance(tmp_path: Path):
    router = RecordingRouter(per_instance=1)

    async def act(invocations: AsyncInvocations) -> None:
        await accept(invocations, "e", 3)
        await until(lambda: len(router.invocations) == 2)
        _, first = router.invocations[0]
        assert (first.timeout_s, first.request_id) == (900.0, "mine")
        first.respond(InvocationResponse(200, "text/plain", "", b"42"))
        await until(lambda: len(router.invocations) == 3)

    run(tmp_path, router, act)


def test_a_request_that_waits_to_be_repeated_frees_its_slot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(async_invocations, "_RETRY_AFTER_S", 0.001)
    router = RecordingRouter(per_instance=1, full={"e"})

    async def act(invocations: AsyncInvocations) -> None:
        await accept(invocations, "e", 4)
        await until(lambda: not invocations._limits)
        router.full.clear()
        await until(lambda: len(router.invocations) == 2)
        router.invocations[0][1].respond(InvocationResponse(503, "text/plain", "", b"the endpoint has ended"))
        await until(lambda: len(router.invocations) == 3)

    run(tmp_path, router, act)


def test_an_endpoint_without_a_configuration_for_it_is_refused(tmp_path: Path):
    async def act(invocations: AsyncInvocations) -> None:
        with pytest.raises(Invalid, match="endpoint e has no AsyncInferenceConfig"):
            await invocations.accept(request("e"), Rollout(1, "c", ()))

    run(tmp_path, RecordingRouter(), act)


def test_a_clock_that_jumps_gives_no_request_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(async_invocations, "_RETRY_AFTER_S", 0.001)
    router = RecordingRouter(full={"e"})

    async def act(invocations: AsyncInvocations) -> None:
        await accept(invocations, "e", 1)
        monkeypatch.setattr(FixedClock, "jumped_s", 100_000.0)
        router.full.clear()
        await until(lambda: router.invocations)

    run(tmp_path, router, act)


def test_requests_of_an_earlier_server_are_resumed(tmp_path: Path):
    router, folder = RecordingRouter(), tmp_path / "endpoints" / "e" / "async"
    folder.mkdir(parents=True)
    values = {"accepted_at": 1893456000.0, "output_location": "s3://data/out", "failure_location": "s3://data/err"}
    texts = {"content_type": "text/plain", "accept": "", "custom_attributes": ""}
    place = {"endpoint": "e", "inference_id": "mine", "input_location": "s3://data/question"}
    (folder / "a.json").write_text(json.dumps({**place, **texts, **values, "ttl_s": 60, "timeout_s": 900}))

    async def act(invocations: AsyncInvocations) -> None:
        await invocations.resume()
        await until(lambda: router.invocations)
        router.invocations[0][1].respond(InvocationResponse(200, "text/plain", "", b"42"))
        await until(lambda: not list(folder.iterdir()))
        assert b"".join(invocations.blobs.read("data", "out")[1]) == b"42"

    run(tmp_path, router, act)
