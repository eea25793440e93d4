"""A request's body, gathered into pieces that are worth a thread's turn."""

import asyncio
from collections.abc import AsyncIterator, Iterator

from naiad.service.gateway.s3.errors import entity_too_large

_PIECE_BYTES = 2**20


class RequestBody:
    """Raises S3Error when more than ``max_bytes`` come."""

    def __init__(self, content: AsyncIterator[bytes], max_bytes: int) -> None:
        self._content, self._max_bytes, self._bytes_left = content, max_bytes, max_bytes
        self.has_ended = False

    async def read_piece(self) -> bytes:
        """Returns a little over _PIECE_BYTES at most; less only at the end."""
        received: list[bytes] = []
        size = 0
        while size < _PIECE_BYTES and not self.has_ended:
            try:
                data = await anext(self._content)
            except StopAsyncIteration:
                self.has_ended = True
                break
            size += len(data)
            if size > self._bytes_left:
                raise entity_too_large(self._max_bytes)
            received.append(data)
        self._bytes_left -= size
        return b"".join(received)

    async def read_all(self) -> bytes:
        """Returns what is left of the body; for bodies with a small limit."""
        pieces = []
        while not self.has_ended:
            pieces.append(await self.read_piece())
        return b"".join(pieces)

    def iterate_in_thread(self, loop: asyncio.AbstractEventLoop) -> Iterator[bytes]:
        """Yields the remaining pieces in another thread than the event loop's."""
        while not self.has_ended:
            yield asyncio.run_coroutine_threadsafe(self.read_piece(), loop).result()
