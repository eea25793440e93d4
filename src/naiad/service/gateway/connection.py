"""A connection's bounds, which have to hold before there is a request: how long a head may be, and how long it may take.

The parser below keeps a head, or a trailer, until it is whole, however large it is. Bodies have bounds of their own.
"""

import asyncio
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from naiad.service.gateway.gathering import GatheringTransport

MOST_HEAD_BYTES = 64 * 1024
"""Without a whole head or a byte of a body among them. One read of the socket may come on top of it."""
HEAD_TIMEOUT_S = 20.0
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Connection(HttpToolsProtocol):
    """HTTP/1.1 as uvicorn speaks it, within bounds."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._pending_bytes = 0
        self._has_moved_on = False
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # reason: as the class above
        super().connection_made(GatheringTransport(transport, self.loop))  # type: ignore[arg-type]  # reason: it is one in all that counts
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._has_moved_on = False
        super().data_received(data)
        self._pending_bytes = 0 if self._has_moved_on else self._pending_bytes + len(data)
        if self._pending_bytes > MOST_HEAD_BYTES:
            self._refuse()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._await_head()

    def on_headers_complete(self) -> None:
        self._stop_timer()
        self._has_moved_on = True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._has_moved_on = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._has_moved_on = True
        super().on_message_complete()

    def _await_head(self) -> None:
        self._stop_timer()
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._give_up)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        """The answer to an earlier request may be on its way still: then that one ends the connection."""
        if self._is_idle():
            self.transport.close()

    def _refuse(self) -> None:
        if self._is_idle() and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()
        else:
            self.transport.abort()

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete
