"""What blocks, off the loop's thread."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def in_thread(do: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(None, do)
