import asyncio
import signal
from typing import Any

import pytest

from naiad.service.endpoints.serving import invocation as invocation_module
from naiad.service.endpoints.serving import replica_pool, watchdog
from naiad.service.endpoints.serving.invocation import InvocationResponse
from naiad.service.endpoints.serving.replica_pool import ReplicaPool


def test_a_replica_that_exceeds_the_timeout_is_killed_and_the_others_are_answered(
    pools: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(watchdog, "_GRACE_S", 0.0)
    monkeypatch.setattr(replica_pool, "_CHECK_INTERVAL_S", 0.05)

    async def act(pool: ReplicaPool) -> list[InvocationResponse]:
        invocations = [pools.invocation(b"hang"), pools.invocation(b"behind it")]
        invocations[0].timeout_s = 0.5
        for one in invocations:
            pool.submit(one)
        return [await asyncio.wait_for(one.response, 30) for one in invocations]

    hung, behind = pools.run(1, act)
    assert (hung.status, hung.body) == (424, b"the model did not answer within 0.5 s")
    assert (behind.status, behind.body) == (200, b"BEHIND IT")


class HungHeartbeat:
    """Heartbeat of a process that hangs from its first invocation on."""

    def is_hung(self, now: float) -> bool:
        return now > 0

    def close(self) -> None: ...


def test_the_invocations_of_a_replica_that_hangs_go_to_another(pools: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(replica_pool, "_CHECK_INTERVAL_S", 0.05)

    async def act(pool: ReplicaPool) -> tuple[list[InvocationResponse], int]:
        replica = pool.replicas[0]
        replica.heartbeat = HungHeartbeat()
        replica.process.send_signal(signal.SIGSTOP)
        return await pools.send(pool, b"a", b"b", b"c", b"d"), pool.replica_set.restarts

    responses, restarts = pools.run(2, act)
    assert [one.body for one in responses] == [b"A", b"B", b"C", b"D"]
    assert restarts == 1


def test_a_client_that_reads_nothing_does_not_keep_a_replica(pools: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(invocation_module, "_MAX_BUFFERED_BYTES", 3)
    monkeypatch.setattr(watchdog, "_MAX_PAUSE_S", 0.0)
    monkeypatch.setattr(replica_pool, "_CHECK_INTERVAL_S", 0.01)

    async def act(pool: ReplicaPool) -> tuple[list[InvocationResponse], int, list[InvocationResponse]]:
        invocation = pools.invocation(b"chunks endless")
        invocation.is_streaming = True
        pool.submit(invocation)
        first = await asyncio.wait_for(invocation.response, 30)
        while pool.replicas[0].in_flight:
            await asyncio.sleep(0)
        chunks = [first]
        while chunks[-1].stream is not None:
            chunks.append(await asyncio.wait_for(chunks[-1].stream.get(), 30))
        return chunks, pool.replica_set.restarts, await pools.send(pool, b"next")

    chunks, restarts, (following,) = pools.run(1, act)
    assert [one.body for one in chunks] == [b"one", b"two", b"three", b"the client read nothing for 0 s"]
    assert (chunks[-1].status, restarts, following.body) == (424, 0, b"NEXT")
