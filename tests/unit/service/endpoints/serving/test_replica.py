import asyncio
import itertools
import json
from typing import Any

import pytest

from naiad.service.endpoints.frames import FrameError
from naiad.service.endpoints.serving import replica as replica_module
from naiad.service.endpoints.serving.invocation import Invocation, InvocationResponse
from naiad.service.endpoints.serving.replica import _join_chunks, _parse_port_counts
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


@pytest.mark.parametrize(
    "rows",
    [
        [[200, 10**12, 1.0]],
        [[200, -1, 0.0]],
        [[200, 1, float("nan")]],
        [[200, 1, float("inf")]],
        [[200, 1, -1.0]],
        [[99, 1, 0.0]],
        [[10**400, 1, 0.0]],
        [[200, 1, 0.0]] * 10_000,
        [[200, 1]],
        {"a": 1},
        3,
        [[200, 1, "x"]],
    ],
    ids=lambda rows: str(rows)[:30],
)
def test_counts_that_no_replica_has_are_not_taken(rows: object):
    """A model's code may write to the socket of its worker: a count of 10**12 kept the server busy for weeks."""
    with pytest.raises(FrameError):
        _parse_port_counts(json.dumps(rows).encode())


def test_deep_and_broken_counts():
    for body in (b"[" * 60_000, b"", b"\xff", b" " * 100_000):
        with pytest.raises(FrameError):
            _parse_port_counts(body)


def test_counts_of_a_replica():
    assert _parse_port_counts(b"[[200, 9000, 1.5], [503, 2, 0]]") == [(200, 9000, 1.5), (503, 2, 0.0)]


def test_a_long_response_is_passed_on_in_its_parts():
    """Joining 256 MiB held up the loop for a third of a second."""
    invocation = Invocation(b"", b"", None, 0.0)  # type: ignore[arg-type]  # reason: nobody waits for it
    for chunk in (b"a", b"b"):
        invocation.collect_chunk(chunk)
    assert _join_chunks(invocation, b"c") == (b"abc", ())
    large = bytes(2**20)
    assert _join_chunks(invocation, large) == (large, (b"a", b"b"))
    response = InvocationResponse(200, "", "", large, earlier=(b"a", b"b"))
    assert b"".join(response.pieces) == b"ab" + large


def test_a_request_in_pieces_is_one_frame(pools: Any):
    async def act(pool: ReplicaPool) -> bytes:
        long = pools.invocation([b"x" * 2**20, b"y" * 100])
        pool.submit(long)
        response = await asyncio.wait_for(long.response, 30)
        return b"".join(response.pieces)

    assert pools.run(1, act) == b"X" * 2**20 + b"Y" * 100
