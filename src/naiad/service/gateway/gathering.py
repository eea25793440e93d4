"""A transport that writes once what is written in one turn of the loop: a response's head and its body go out together.

uvicorn writes the two one behind the other, and for a small answer the second write costs as much as all the rest.
"""

import asyncio
from typing import Any

_MOST_BYTES = 64 * 1024
"""What is more is written at once, so that the transport can say when it has had enough."""


class GatheringTransport:
    """All but ``write`` and the ends is the transport's own."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._parts: list[bytes] = []
        self._bytes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)
        self._bytes += len(data)
        if self._bytes > _MOST_BYTES:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._parts:
            parts, self._parts, self._bytes = self._parts, [], 0
            self._transport.write(parts[0] if len(parts) == 1 else b"".join(parts))
