import asyncio
from typing import Any

import pytest

from naiad.service.endpoints.serving.invocation import InvocationResponse
from naiad.service.endpoints.serving.replica import ReplicaFailed
from naiad.service.endpoints.serving.replica_pool import ReplicaPool


def test_a_smaller_set_finishes_what_has_begun(pools: Any):
    async def act(pool: ReplicaPool) -> list[InvocationResponse]:
        invocations = [pools.invocation(b"slow") for _ in range(4)]
        for one in invocations:
            pool.submit(one)
        pool.resize(1)
        assert len(pool.replica_set.active) == 1
        return [await asyncio.wait_for(one.response, 30) for one in invocations]

    assert {one.status for one in pools.run(2, act)} == {200}


def test_a_failed_start_is_reported(pools: Any):
    async def run() -> None:
        pool = ReplicaPool("v", lambda owner, number: pools.launch(owner, number, "fail"), 4)
        pool.resize(1)
        try:
            with pytest.raises(ReplicaFailed, match="no weights"):
                await asyncio.wait_for(pool.wait_ready(), 30)
        finally:
            await pool.close()

    asyncio.run(run())
