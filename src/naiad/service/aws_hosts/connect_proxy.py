"""The CONNECT proxy: reads a bounded head, then ends TLS here or passes the bytes unchanged.

A connection: head → kind of host → gateway: TLS with our certificate, bytes to the gateway's port
                                  → telemetry: TLS with our certificate, one reply
                                  → other: a tunnel
"""

import asyncio
import logging
import socket
from asyncio import AbstractEventLoop, Task
from dataclasses import dataclass

from naiad.service.aws_hosts import telemetry_reply
from naiad.service.aws_hosts.connect_request import (
    ESTABLISHED,
    HEAD_END,
    MAX_HEAD_BYTES,
    HostPort,
    ProxyError,
    parse_connect,
)
from naiad.service.aws_hosts.host_kinds import HostKind, classify_host
from naiad.service.aws_hosts.passthrough import Passthrough, open_connection
from naiad.service.aws_hosts.socket_streams import open_socket_streams
from naiad.service.aws_hosts.tls_contexts import TlsContexts
from naiad.service.aws_hosts.tunnel import tunnel

_LOG = logging.getLogger(__name__)
_ACCEPT_RETRY_S = 0.2
"""The wait after an accept that failed, for example because no more files can be opened."""


@dataclass(frozen=True)
class ProxyLimits:
    connections: int = 256
    head_timeout_s: float = 10
    """Counts for the head, and again for the TLS handshake."""
    idle_timeout_s: float = 600
    """A connection ends when no byte moves either way for this long."""


DEFAULT_LIMITS = ProxyLimits()


class ConnectProxy:
    """Serves in one event loop. ``listening`` is bound to loopback and does not block; its owner closes it."""

    def __init__(
        self,
        listening: socket.socket,
        gateway: HostPort,
        contexts: TlsContexts,
        passthrough: Passthrough,
        limits: ProxyLimits = DEFAULT_LIMITS,
    ) -> None:
        self._listening, self._gateway, self._contexts = listening, gateway, contexts
        self._passthrough, self._limits = passthrough, limits
        self._tasks: set[Task[None]] = set()
        self._without_head: dict[Task[None], None] = {}
        """Connections that have not sent their head yet, oldest first."""

    async def serve(self) -> None:
        """Runs until it is cancelled, and then ends its connections."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                await self._accept(loop)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, loop: AbstractEventLoop) -> None:
        try:
            client, _ = await loop.sock_accept(self._listening)
        except ConnectionError:
            return
        except OSError as error:
            _LOG.warning("the proxy for AWS's hosts cannot accept: %s", error)
            await asyncio.sleep(_ACCEPT_RETRY_S)
            return
        if len(self._tasks) >= self._limits.connections and not self._end_oldest_without_head():
            _turn_away(client, self._limits.connections)
            return
        task = loop.create_task(self._serve_client(client))
        self._tasks.add(task)
        self._without_head[task] = None
        task.add_done_callback(self._forget)
        task.add_done_callback(lambda _: client.close())  # also of one that is cancelled before it has begun

    def _end_oldest_without_head(self) -> bool:
        """Makes room for a new connection: those that send nothing must not shut out those that do."""
        oldest = next(iter(self._without_head), None)
        if oldest is None:
            return False
        self._forget(oldest)
        oldest.cancel()
        return True

    def _forget(self, task: Task[None]) -> None:
        self._tasks.discard(task)
        self._without_head.pop(task, None)

    async def _serve_client(self, client: socket.socket) -> None:
        try:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._handle(client)
        except OSError as error:
            _LOG.debug("a connection to the proxy for AWS's hosts ended: %s", error)
        except Exception:  # noqa: BLE001  # reason: the edge of one connection; the others go on
            _LOG.exception("a connection to the proxy for AWS's hosts failed")

    async def _handle(self, client: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._limits.head_timeout_s):
                head, rest = await _read_head(loop, client)
            self._has_head()
            address = parse_connect(head)
            kind = classify_host(address.host, address.port)
            if kind is HostKind.OTHER:
                await self._pass_through(client, address, rest)
                return
            await self._terminate_tls(client, address, kind, rest)
        except ProxyError as error:
            await loop.sock_sendall(client, error.response())

    def _has_head(self) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._without_head.pop(task, None)

    async def _pass_through(self, client: socket.socket, address: HostPort, rest: bytes) -> None:
        """``rest``: what the client sent after its head. Raises ProxyError."""
        other = await self._passthrough.connect(address)
        try:
            await asyncio.get_running_loop().sock_sendall(client, ESTABLISHED)
            own = await open_socket_streams(client, None, self._limits.head_timeout_s)
        except BaseException:
            await other.close()
            raise
        other.writer.write(rest)
        await tunnel(own, other, idle_timeout_s=self._limits.idle_timeout_s)

    async def _terminate_tls(self, client: socket.socket, address: HostPort, kind: HostKind, rest: bytes) -> None:
        """Raises ProxyError."""
        if rest:
            raise ProxyError(400, "the client went on before it was answered")
        context = self._contexts.context_for(address.host)
        if kind is HostKind.TELEMETRY:
            await asyncio.get_running_loop().sock_sendall(client, ESTABLISHED)
            await telemetry_reply.reply(await open_socket_streams(client, context, self._limits.head_timeout_s))
            return
        gateway = await open_connection(self._gateway)
        try:
            await asyncio.get_running_loop().sock_sendall(client, ESTABLISHED)
            own = await open_socket_streams(client, context, self._limits.head_timeout_s)
        except BaseException:
            await gateway.close()
            raise
        await tunnel(own, gateway, idle_timeout_s=self._limits.idle_timeout_s)


async def _read_head(loop: AbstractEventLoop, client: socket.socket) -> tuple[bytes, bytes]:
    """Returns (the head without its end, the bytes after it). Raises ProxyError, ConnectionError, TimeoutError."""
    data = b""
    while HEAD_END not in data:
        if len(data) > MAX_HEAD_BYTES:
            raise ProxyError(431, f"the request's head is larger than {MAX_HEAD_BYTES:,} bytes")
        received = await loop.sock_recv(client, MAX_HEAD_BYTES)
        if not received:
            raise ConnectionResetError("the client left before its request was whole")
        data += received
    head, _, rest = data.partition(HEAD_END)
    return head, rest


def _turn_away(client: socket.socket, max_connections: int) -> None:
    client.settimeout(0)
    message = f"{max_connections} connections are open already; close some, or wait"
    with client:
        try:
            client.send(ProxyError(503, message).response())
        except OSError as error:
            _LOG.debug("a connection could not be told that there are too many: %s", error)
