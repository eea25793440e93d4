"""Threads that work on files, beside the event loop: memory is bounded both ways.

A body that is still arriving holds a thread of a pool of its own: slow senders can delay each other, but nobody else.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from naiad.service.gateway.s3.request_body import RequestBody

_QUICK_THREADS, _SLOW_THREADS = 16, 64
_Result = TypeVar("_Result")


class FileThreads:
    def __init__(self) -> None:
        self._quick = ThreadPoolExecutor(_QUICK_THREADS, "s3")
        self._slow = ThreadPoolExecutor(_SLOW_THREADS, "s3-body")

    async def run(self, work: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._quick, work)

    async def receive(self, body: RequestBody, work: Callable[[Iterable[bytes]], _Result]) -> _Result:
        """Runs ``work`` with the pieces of the body as they come. Reads a small body whole first."""
        first = await body.read_piece()
        if body.has_ended:
            return await self.run(lambda: work([first]))
        loop = asyncio.get_running_loop()
        rest = body.iterate_in_thread(loop)
        return await loop.run_in_executor(self._slow, lambda: work(itertools.chain([first], rest)))

    async def send(self, pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
        """Yields the pieces of an object that is read, and closes it."""
        try:
            while piece := await self.run(lambda: next(pieces, b"")):
                yield piece
        finally:
            pieces.close()  # type: ignore[attr-defined]  # the port promises a close

    def close(self) -> None:
        """Work that waits is dropped."""
        self._quick.shutdown(wait=False, cancel_futures=True)
        self._slow.shutdown(wait=False, cancel_futures=True)
