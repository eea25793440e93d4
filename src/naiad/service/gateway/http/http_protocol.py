"""HTTP/1.1 as uvicorn speaks it, with bounds that hold before there is a request: of one head, and of all heads together.

The parser of uvicorn keeps a head, or a trailer, until it is whole, however large it is. Bodies have bounds of their own.
"""

import asyncio
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from naiad.service.gateway.http.coalescing_transport import CoalescingTransport
from naiad.service.gateway.http.connection_budget import ConnectionBudget

MAX_HEAD_BYTES = 64 * 1024
"""The most bytes that may come without a whole head or a byte of a body among them. One read of the socket may come on top."""
HEAD_TIMEOUT_S = 20.0
MAX_TARGET_BYTES = 32 * 1024
MAX_PARAMETERS = 1_000
MAX_HEADER_LINES = 256
MAX_PIPELINED_REQUESTS = 16
"""Requests that a connection may send ahead of their answers; no client of AWS's does."""
_VERSIONS = ("1.1", "1.0")


class _Refused(Exception):
    """The head is not accepted; raised through the parser, which then stops."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        budget: ConnectionBudget | None = None,
    ) -> None:
        """``budget``: that of all connections of the server; None for a connection that is alone."""
        super().__init__(config, server_state, app_state, _loop)
        self._budget = budget if budget is not None else ConnectionBudget()
        self._pending_bytes = 0
        self._has_progressed = False
        self._body_pieces: list[bytes] = []
        self._head_timer: asyncio.TimerHandle | None = None
        self._refusal = "400 Bad Request"

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # reason: as the class above
        super().connection_made(CoalescingTransport(transport, self.loop))  # type: ignore[arg-type]  # reason: it forwards all that a transport has
        self._budget.add(self)
        self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._budget.remove(self)
        self._stop_head_timer()
        super().connection_lost(exc)

    def close_waiting(self) -> None:
        self.transport.close()

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._has_progressed = False
        super().data_received(data)
        if self._body_pieces:
            self._pass_on_body()
        if self._has_progressed:
            self._pending_bytes = 0
            return
        self._pending_bytes += len(data)
        self._budget.add_bytes(self, len(data))
        if self._pending_bytes > MAX_HEAD_BYTES:
            self._refusal = "431 Request Header Fields Too Large"
            self._reject()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # reason: uvicorn's name and form; the status says all
        """Called by uvicorn for bytes that are no request, or one that was refused. A whole request before them is answered."""
        is_whole = not self._is_idle() and not self.cycle.more_body and not self.pipeline
        if is_whole:
            self.flow.pause_reading()
            self.cycle.keep_alive = False
        else:
            self._reject()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._start_head_timer()

    def on_headers_complete(self) -> None:
        self._stop_head_timer()
        self._budget.remove(self)
        self._has_progressed = True
        self._check_head()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Keeps the piece until all that came with it is parsed: chunks of one byte come by tens of thousands."""
        self._has_progressed = True
        self._body_pieces.append(body)

    def on_message_complete(self) -> None:
        self._has_progressed = True
        self._pass_on_body()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._is_idle() and not self.transport.is_closing():
            self._budget.add(self)

    def _pass_on_body(self) -> None:
        if self._body_pieces:
            pieces, self._body_pieces = self._body_pieces, []
            super().on_body(pieces[0] if len(pieces) == 1 else b"".join(pieces))

    def _check_head(self) -> None:
        """Raises _Refused. What is read of a head before anybody is known grows with no more than these."""
        if self.parser.get_http_version() not in _VERSIONS:
            self._refuse("400 Bad Request")
        if len(self.url) > MAX_TARGET_BYTES or self.url.count(b"&") >= MAX_PARAMETERS:
            self._refuse("414 URI Too Long")
        if len(self.headers) > MAX_HEADER_LINES:
            self._refuse("431 Request Header Fields Too Large")
        if len(self.pipeline) >= MAX_PIPELINED_REQUESTS:
            self._refuse("429 Too Many Requests")

    def _refuse(self, status: str) -> None:
        self._refusal = status
        raise _Refused(status)

    def _start_head_timer(self) -> None:
        self._stop_head_timer()
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._time_out)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _time_out(self) -> None:
        """Closes the connection, unless an earlier request is still being answered: then that answer ends it."""
        if self._is_idle():
            self.transport.close()

    def _reject(self) -> None:
        if self._is_idle() and not self.transport.is_closing():
            head = f"HTTP/1.1 {self._refusal}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            self.transport.write(head.encode())
            self.transport.close()
        else:
            self.transport.abort()

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete
