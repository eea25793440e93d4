import asyncio
import time
from pathlib import Path
from typing import Any

from naiad.service.endpoints.serving.invocation import InvocationResponse, QueueFull
from naiad.service.endpoints.serving.replica_pool import ReplicaPool


def test_each_invocation_gets_its_own_response_and_all_replicas_work(pools: Any):
    async def act(pool: ReplicaPool) -> tuple[list[InvocationResponse], list[float]]:
        responses = await pools.send(pool, *(b"%d" % n for n in range(30)))
        return responses, [replica.busy_s for replica in pool.replicas]

    responses, busy = pools.run(2, act, max_in_flight=8)
    assert [one.body for one in responses] == [b"%d" % n for n in range(30)]
    assert all(busy)


def test_a_lost_replica_is_replaced_and_its_invocations_go_to_another(pools: Any, tmp_path: Path):
    path = str(tmp_path / "exited").encode()

    async def act(pool: ReplicaPool) -> tuple[list[InvocationResponse], int]:
        responses = await pools.send(pool, b"a", b"once " + path, b"b", b"c")
        restarts = pool.replica_set.restarts
        while len(pool.replicas) < 2:
            await asyncio.sleep(0.01)
        return responses, restarts

    responses, restarts = pools.run(2, act)
    assert [one.status for one in responses] == [200] * 4
    assert restarts == 1


def test_an_invocation_that_cost_three_replicas_gets_no_fourth(pools: Any):
    async def act(pool: ReplicaPool) -> tuple[list[InvocationResponse], int]:
        responses = await pools.send(pool, b"exit")
        return [*responses, *(await pools.send(pool, b"well"))], pool.replica_set.restarts

    (failed, well), restarts = pools.run(2, act, max_in_flight=1)
    assert (failed.status, failed.body) == (424, b"the model's process exited 3 times at this request")
    assert well.status == 200
    assert restarts == 3


def test_a_full_queue_refuses_at_once_and_the_rest_is_answered(pools: Any):
    async def act(pool: ReplicaPool) -> tuple[int, list[InvocationResponse]]:
        await pools.send(pool, b"slow", b"slow")
        invocations = [pools.invocation(b"slow") for _ in range(200)]
        accepted = []
        for one in invocations:
            try:
                pool.submit(one)
            except QueueFull as error:
                assert error.retry_after_s >= 1  # noqa: PT017  # reason: one of many
            else:
                accepted.append(one)
        refused = len(invocations) - len(accepted)
        return refused, [await asyncio.wait_for(one.response, 30) for one in accepted]

    refused, responses = pools.run(1, act, max_in_flight=1)
    assert refused > 100
    assert {one.status for one in responses} == {200}


def test_responses_of_a_replicas_own_port_are_counted_and_keep_it_awake(pools: Any):
    counted: list[int] = []

    async def act(pool: ReplicaPool) -> float:
        pool.on_finished = lambda invocation, response: counted.extend([response.status] * invocation.count)
        pool.last_invocation_at = 1.0
        await pools.send(pool, b"counts")
        return pool.last_invocation_at

    assert pools.run(1, act) > 1.0
    assert counted == [200, 200, 503, 200]


def test_idle_time_begins_with_the_first_replica(pools: Any):
    async def act(pool: ReplicaPool) -> float:
        return time.monotonic() - pool.last_invocation_at

    assert pools.run(1, act) < 60


def test_an_invocation_starts_a_replica_where_there_is_none(pools: Any):
    async def act(pool: ReplicaPool) -> list[InvocationResponse]:
        pool.resize(0)
        while pool.replicas:
            await asyncio.sleep(0.01)
        return await pools.send(pool, b"wake")

    assert pools.run(1, act)[0].body == b"WAKE"


def test_a_queued_invocation_whose_client_has_gone_is_skipped(pools: Any):
    async def act(pool: ReplicaPool) -> int:
        invocations = [pools.invocation(b"slow") for _ in range(6)]
        for one in invocations:
            pool.submit(one)
        invocations[5].response.cancel()
        for one in invocations[:5]:
            await asyncio.wait_for(one.response, 30)
        await asyncio.sleep(0)
        return len(pool.queue)

    assert pools.run(1, act, max_in_flight=1) == 0
