"""Bodies between the event loop and the threads that work on files: bounded memory both ways.

Work on files runs in threads of this door. A body that is still arriving holds a thread of another pool while it does, so slow
senders can delay each other but not everybody else.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from naiad.service.gateway.s3.errors import too_large

_PIECE_BYTES = 2**20
_QUICK_THREADS, _SLOW_THREADS = 16, 64
_Result = TypeVar("_Result")


class Threads:
    def __init__(self) -> None:
        self._quick = ThreadPoolExecutor(_QUICK_THREADS, "s3")
        self._slow = ThreadPoolExecutor(_SLOW_THREADS, "s3-body")

    async def run(self, work: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._quick, work)

    async def receive(self, body: "Body", work: Callable[[Iterable[bytes]], _Result]) -> _Result:
        """Gives ``work`` the body as it comes. A small one is taken whole first."""
        first = await body.piece()
        if body.ended:
            return await self.run(lambda: work([first]))
        loop = asyncio.get_running_loop()
        rest = body.pieces_for_thread(loop)
        return await loop.run_in_executor(self._slow, lambda: work(itertools.chain([first], rest)))

    async def send(self, pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
        """The pieces of a reading that has a ``close``."""
        try:
            while piece := await self.run(lambda: next(pieces, b"")):
                yield piece
        finally:
            pieces.close()  # type: ignore[attr-defined]  # the port's readings have one

    def close(self) -> None:
        self._quick.shutdown(wait=False, cancel_futures=True)
        self._slow.shutdown(wait=False, cancel_futures=True)


class Body:
    """A request's body, gathered into pieces that are worth a thread's turn. Raises S3Error beyond ``most_bytes``."""

    def __init__(self, body: AsyncIterator[bytes], most_bytes: int) -> None:
        self._body, self._most, self._left = body, most_bytes, most_bytes
        self.ended = False

    async def piece(self) -> bytes:
        """At most a little over _PIECE_BYTES; less only at the end."""
        found: list[bytes] = []
        size = 0
        while size < _PIECE_BYTES and not self.ended:
            try:
                data = await anext(self._body)
            except StopAsyncIteration:
                self.ended = True
                break
            size += len(data)
            if size > self._left:
                raise too_large(self._most)
            found.append(data)
        self._left -= size
        return b"".join(found)

    async def whole(self) -> bytes:
        """For bodies with a small limit."""
        found = []
        while not self.ended:
            found.append(await self.piece())
        return b"".join(found)

    def pieces_for_thread(self, loop: asyncio.AbstractEventLoop) -> Iterator[bytes]:
        while not self.ended:
            yield asyncio.run_coroutine_threadsafe(self.piece(), loop).result()
