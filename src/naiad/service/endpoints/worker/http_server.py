"""The replica's own port: POST /invocations and GET /ping without signatures, for programs on this machine only.

Several replicas may listen on one port; the system spreads connections over them.
"""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

from naiad.service.endpoints.frames import one_line
from naiad.service.endpoints.request_rate import Rate
from naiad.service.endpoints.worker.inference import Answer, Invocation, Reply
from naiad.service.endpoints.worker.server_connection import OnInvocation

MOST_BODY_BYTES = 25 * 2**20
_HOST = "127.0.0.1"
_BACKLOG = 2048
_OPEN_AT_LEAST, _MOST_OPEN = 16, 1024
_TELL_EVERY_S = 1.0
_TAKEN_WITHIN_S = 60.0
"""A client of a stream that takes nothing for so long has gone."""
_FAREWELL_S = 1.0
"""For connections to end with an answer, when the replica ends; those that say nothing for so long are closed."""
_LOOK_EVERY_S = 0.02
_ENDS_WITHIN_S = 20
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Port:
    """An ASGI application over the worker's handler.

    ``tell`` is given what was asked, about once a second: rows of (status, how many, their seconds together).
    """

    def __init__(
        self,
        on_invocation: OnInvocation,
        loop: asyncio.AbstractEventLoop,
        *,
        most_samples: int = 1,
        tell: Callable[[list[tuple[int, int, float]]], None] = lambda _rows: None,
    ) -> None:
        self._on_invocation, self._loop, self._tell = on_invocation, loop, tell
        self._least_open = max(_OPEN_AT_LEAST, 4 * most_samples)
        self._rate = Rate()
        self._counts: dict[int, tuple[int, float]] = {}
        self.is_closing = False
        """Each answer ends its connection, so that the next request goes to another replica."""
        self.open = 0
        """How many invocations are not answered yet."""

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        match (scope["method"], scope["path"]):
            case ("POST", "/invocations"):
                await self._counted(scope, receive, send)
            case ("GET", "/ping"):
                await self._send(send, Answer(200, b"", "text/plain"))
            case _:
                text = b"POST /invocations and GET /ping are served here\n"
                await self._send(send, Answer(404, text, "text/plain"))

    async def _counted(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        body = await _body(receive)
        began = self._loop.time()
        if body is None:
            await self._refuse(send, 413, f"a body has at most {MOST_BODY_BYTES:,} bytes\n")
            return
        if self.open >= self._most_open(began):
            await self._refuse(send, 503, f"{self.open} invocations wait already\n")
            return
        self.open += 1
        sent: asyncio.Future[None] = self._loop.create_future()
        try:
            answer = await self._invoked(scope, body, sent)
            self._rate.count(self._loop.time())
            await self._send(send, answer)
            self._count(answer.status, self._loop.time() - began)
        finally:
            self.open -= 1
            if not sent.done():
                sent.set_result(None)

    async def _refuse(self, send: Send, status: int, message: str) -> None:
        self._count(status, 0.0)
        await self._send(send, Answer(status, message.encode(), "text/plain"))

    def _most_open(self, now: float) -> int:
        """About a second's work, by the rate of the last seconds."""
        return max(self._least_open, min(_MOST_OPEN, round(self._rate.per_s(now))))

    async def _invoked(self, scope: MutableMapping[str, Any], body: bytes, sent: "asyncio.Future[None]") -> Answer:
        """sent: done when the answer is on its way, or nobody is there to take it."""
        content_type = accept = custom = ""
        for name, value in scope["headers"]:
            if name == b"content-type":
                content_type = value.decode("latin-1")
            elif name == b"accept":
                accept = value.decode("latin-1")
            elif name == b"x-amzn-sagemaker-custom-attributes":
                custom = value.decode("latin-1")
        answered: asyncio.Future[Answer] = self._loop.create_future()
        self._on_invocation(Invocation(body, content_type, accept, custom), _once(answered, sent))
        return await answered

    def _count(self, status: int, seconds: float) -> None:
        if not self._counts:
            self._loop.call_later(_TELL_EVERY_S, self._tell_counts)
        count, total = self._counts.get(status, (0, 0.0))
        self._counts[status] = (count + 1, total + seconds)

    def _tell_counts(self) -> None:
        counts, self._counts = self._counts, {}
        self._tell([(status, count, round(seconds, 6)) for status, (count, seconds) in counts.items()])

    async def _send(self, send: Send, answer: Answer) -> None:
        headers = [(b"content-type", _coded(answer.content_type))]
        if answer.custom_attributes:
            headers.append((b"x-amzn-sagemaker-custom-attributes", _coded(answer.custom_attributes)))
        if answer.status == 503:
            headers.append((b"retry-after", b"1"))
        if self.is_closing:
            headers.append((b"connection", b"close"))
        status = answer.status if answer.original_status is None else answer.original_status
        if isinstance(answer.body, bytes):
            headers.append((b"content-length", str(len(answer.body)).encode()))
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": answer.body})
            return
        await send({"type": "http.response.start", "status": status, "headers": headers})
        async with contextlib.aclosing(answer.parts()) as parts:
            async for part in parts:
                async with asyncio.timeout(_TAKEN_WITHIN_S):
                    await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def listening_at(port: int) -> socket.socket:
    """Several replicas may listen at one. Raises OSError when somebody else does."""
    listening = socket.socket()
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind((_HOST, port))
        listening.listen(_BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


class PortServer:
    """Serves from the time it is made until ``close``."""

    def __init__(self, listening: socket.socket, app: Port) -> None:
        self._app, self._listening = app, listening
        config = uvicorn.Config(
            app,
            ws="none",
            lifespan="off",
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=_ENDS_WITHIN_S,
        )
        self._server = uvicorn.Server(config)
        self._serving = asyncio.ensure_future(self._serve())

    async def close(self) -> None:
        """What was begun is finished, and a client that keeps its connection hears that it is over."""
        self._app.is_closing = True
        if self._server.started:
            await self._let_in()
        deadline = asyncio.get_running_loop().time() + _FAREWELL_S
        while self._server.server_state.connections and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(_LOOK_EVERY_S)
        self._server.should_exit = True
        await self._serving

    async def _let_in(self) -> None:
        """Those that wait at the door, which is closed behind the last: they would be sent away with a reset."""
        waiting = []
        with contextlib.suppress(BlockingIOError):
            while True:
                waiting.append(self._listening.accept()[0])
        self._listening.shutdown(socket.SHUT_RD)
        for listener in self._server.servers:
            listener.close()
        for connection in waiting:
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)

    def _protocol(self) -> asyncio.Protocol:
        make: Any = self._server.config.http_protocol_class
        made: asyncio.Protocol = make(config=self._server.config, server_state=self._server.server_state, app_state={})
        return made

    async def _serve(self) -> None:
        with self._listening:
            await self._server._serve([self._listening])  # serve() would take the signals of the process


def _once(answered: "asyncio.Future[Answer]", sent: "asyncio.Future[None]") -> Reply:
    def reply(answer: Answer) -> Awaitable[None] | None:
        if answered.done():
            return None
        answered.set_result(answer)
        return None if isinstance(answer.body, bytes) else sent

    return reply


def _coded(text: str) -> bytes:
    return one_line(text).encode("latin-1", "replace")


async def _body(receive: Receive) -> bytes | None:
    """None when there is too much of it."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return body if len(body) <= MOST_BODY_BYTES else None
    parts, size = [body], len(body)
    while message.get("more_body", False):
        message = await receive()
        size += len(message.get("body", b""))
        if size > MOST_BODY_BYTES:
            return None
        parts.append(message.get("body", b""))
    return b"".join(parts)
