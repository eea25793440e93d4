"""The replica's own port: POST /invocations and GET /ping without signatures, for programs on this machine only.

Several replicas may listen on one port; the system spreads connections over them.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

from naiad.service.endpoints.worker.connection import OnInvocation
from naiad.service.endpoints.worker.port import Answer, Invocation

MOST_BODY_BYTES = 25 * 2**20
_HOST = "127.0.0.1"
_BACKLOG = 2048
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Port:
    """An ASGI application over the worker's handler."""

    def __init__(self, on_invocation: OnInvocation, loop: asyncio.AbstractEventLoop) -> None:
        self._on_invocation, self._loop = on_invocation, loop

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        match (scope["method"], scope["path"]):
            case ("POST", "/invocations"):
                await _send(send, await self._invoked(scope, receive))
            case ("GET", "/ping"):
                await _send(send, Answer(200, b"", "text/plain"))
            case _:
                await _send(send, Answer(404, b"POST /invocations and GET /ping are served here\n", "text/plain"))

    async def _invoked(self, scope: MutableMapping[str, Any], receive: Receive) -> Answer:
        body = await _body(receive)
        if body is None:
            return Answer(413, f"a body has at most {MOST_BODY_BYTES:,} bytes\n".encode(), "text/plain")
        content_type = accept = custom = ""
        for name, value in scope["headers"]:
            if name == b"content-type":
                content_type = value.decode("latin-1")
            elif name == b"accept":
                accept = value.decode("latin-1")
            elif name == b"x-amzn-sagemaker-custom-attributes":
                custom = value.decode("latin-1")
        answered: asyncio.Future[Answer] = self._loop.create_future()
        self._on_invocation(Invocation(body, content_type, accept, custom), _once(answered))
        return await answered


def serve_port(port: int, app: Port) -> "asyncio.Task[None]":
    """Raises OSError when the port is taken by somebody else."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listening.bind((_HOST, port))
    listening.listen(_BACKLOG)
    config = uvicorn.Config(app, ws="none", lifespan="off", log_level="warning", access_log=False)
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # reason: older uvicorn asks it
    return asyncio.ensure_future(_serve(server, listening))


async def _serve(server: uvicorn.Server, listening: socket.socket) -> None:
    with listening:
        await server._serve([listening])  # serve() would take the signals of the process


def _once(answered: "asyncio.Future[Answer]") -> Callable[[Answer], None]:
    def reply(answer: Answer) -> None:
        if not answered.done():
            answered.set_result(answer)

    return reply


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


async def _send(send: Send, answer: Answer) -> None:
    headers = [(b"content-type", answer.content_type.encode("latin-1", "replace"))]
    if answer.custom_attributes:
        headers.append((b"x-amzn-sagemaker-custom-attributes", answer.custom_attributes.encode("latin-1", "replace")))
    if isinstance(answer.body, bytes):
        headers.append((b"content-length", str(len(answer.body)).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})
        return
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    for part in answer.body:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
