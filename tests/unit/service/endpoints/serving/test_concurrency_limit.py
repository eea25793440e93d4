import asyncio
from collections.abc import Callable

from naiad.service.endpoints.serving.concurrency_limit import ConcurrencyLimit


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0)


def test_tasks_above_the_limit_wait():
    async def run() -> None:
        limit, is_over = ConcurrencyLimit(), asyncio.Event()

        async def work() -> None:
            async with limit.slot(lambda: 1):
                await is_over.wait()

        tasks = [asyncio.create_task(work()) for _ in range(3)]
        await until(lambda: (limit.active_count, limit.waiting_count) == (1, 2))
        is_over.set()
        await asyncio.gather(*tasks)
        assert limit.is_unused

    asyncio.run(run())
