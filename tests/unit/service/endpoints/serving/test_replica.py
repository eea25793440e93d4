import itertools
from typing import Any

import pytest

from naiad.service.endpoints.serving import replica as replica_module
from naiad.service.endpoints.serving.invocation import InvocationResponse
from naiad.service.endpoints.serving.replica_pool import ReplicaPool


def test_chunks_are_collected_and_discarded_when_the_end_is_a_failure(pools: Any):
    async def act(pool: ReplicaPool) -> list[InvocationResponse]:
        return await pools.send(pool, b"chunks well", b"chunks fail", b"chunks own")

    well, failed, own = pools.run(1, act)
    assert (well.status, well.body) == (200, b"onetwoend")
    assert (failed.status, failed.body) == (424, b"broke off")
    assert (own.status, own.original_status, own.body) == (424, 400, b"onetwono")


def test_a_response_that_is_too_large_to_collect_is_refused(pools: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(replica_module, "_MAX_RESPONSE_BYTES", 4)

    async def act(pool: ReplicaPool) -> list[InvocationResponse]:
        return [*(await pools.send(pool, b"chunks well")), *(await pools.send(pool, b"next"))]

    large, following = pools.run(1, act)
    assert (large.status, b"larger than 4 bytes" in large.body) == (424, True)
    assert following.body == b"NEXT"


def test_a_stream_that_begins_after_its_invocation_was_stopped_is_stopped(pools: Any):
    async def act(pool: ReplicaPool) -> InvocationResponse:
        (replica,) = pool.replicas
        replica._ids = itertools.count(20)
        invocation = pools.invocation(b"late chunks")
        invocation.is_streaming = True
        pool.submit(invocation)
        replica.stop_invocation(20, InvocationResponse(503, "", "", b""))
        return (await pools.send(pool, b"stopped?"))[0]

    assert pools.run(1, act).body == b"20"
