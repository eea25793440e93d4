"""A transport that joins the writes of one turn of the event loop: the head and the body of a response are one write.

uvicorn writes them one after the other. For a small response the second write costs as much as everything else.
"""

import asyncio
from typing import Any

_MAX_PENDING_BYTES = 64 * 1024
"""More than this is written at once, so that the transport can slow its writer."""
_MAX_JOINED_BYTES = 2**20
"""A longer write is not joined with the one before it: that would copy it, and a response may have 256 MiB."""


class CoalescingTransport:
    """Forwards everything except ``write`` and ``close`` to the transport."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self.is_closing = transport.is_closing  # asked several times for each request
        self._pending: list[bytes] = []
        self._pending_bytes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if len(data) > _MAX_JOINED_BYTES:
            self._flush()
            self._transport.write(data)
            return
        if not self._pending:
            self._loop.call_soon(self._flush)
        self._pending.append(data)
        self._pending_bytes += len(data)
        if self._pending_bytes > _MAX_PENDING_BYTES:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._pending:
            pending, self._pending, self._pending_bytes = self._pending, [], 0
            self._transport.write(pending[0] if len(pending) == 1 else b"".join(pending))
