"""The body of a request: read in bounded time and memory."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import NamedTuple

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


class ReceivedBody(NamedTuple):
    """A whole body, still in the pieces in which it came: what is refused is never joined."""

    pieces: list[bytes]
    size: int
    """Bytes of all pieces."""
    sha256: str
    """Its hash in hex."""

    def join(self) -> bytes:
        return self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)


async def read_body(request: Request, *, max_bytes: int, timeout_s: float) -> ReceivedBody:
    """Returns the whole body. The timeout is for all of it: its sender is not known yet. Raises RequestRejected."""
    pieces, size, digest = [], 0, hashlib.sha256()
    try:
        async with asyncio.timeout(timeout_s):
            async for piece in stream_body(request.receive, None):
                size += len(piece)
                if size > max_bytes:
                    raise RequestRejected("too large", f"the body is larger than {max_bytes:,} bytes")
                pieces.append(piece)
                digest.update(piece)  # piece by piece: 25 MiB at once would hold up the loop
    except TimeoutError:
        raise RequestRejected("idle", f"the body did not come within {timeout_s:g} s; send it again") from None
    return ReceivedBody(pieces, size, digest.hexdigest())
