"""The body of a request: read in bounded time and memory."""

import asyncio
from collections.abc import AsyncIterator

from naiad.service.gateway.http.request import Receive, Request
from naiad.service.gateway.rejection import RequestRejected


async def stream_body(receive: Receive, idle_timeout_s: float | None) -> AsyncIterator[bytes]:
    """Yields the body as it comes. Raises RequestRejected when the client leaves or falls silent before the body's end.

    ``idle_timeout_s``: how long no byte may come; None: no limit, because the caller has one.
    """
    while True:
        try:
            if idle_timeout_s is None:
                message = await receive()
            else:
                async with asyncio.timeout(idle_timeout_s):
                    message = await receive()
        except TimeoutError:
            raise RequestRejected("idle", f"no byte of the body came for {idle_timeout_s:g} s; send it again") from None
        if message["type"] == "http.disconnect":
            raise RequestRejected("digest", "the client closed the connection before the body's end")
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body", False):
            return


async def read_body(request: Request, *, max_bytes: int, timeout_s: float) -> bytes:
    """Returns the whole body. The timeout is for all of it: its sender is not known yet. Raises RequestRejected."""
    try:
        async with asyncio.timeout(timeout_s):
            return await read_bounded(stream_body(request.receive, None), max_bytes)
    except TimeoutError:
        raise RequestRejected("idle", f"the body did not come within {timeout_s:g} s; send it again") from None


async def read_bounded(body: AsyncIterator[bytes], max_bytes: int) -> bytes:
    """Raises RequestRejected when the body is longer; the rest of it stays unread."""
    chunks, size = [], 0
    async for chunk in body:
        size += len(chunk)
        if size > max_bytes:
            raise RequestRejected("too large", f"the body is larger than {max_bytes:,} bytes")
        chunks.append(chunk)
    return b"".join(chunks)
