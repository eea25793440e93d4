"""The CONNECT proxy: a head is read within bounds, then TLS ends here or the bytes pass untouched.

A connection: head → whose host? → gateway: TLS with our leaf, bytes to the gateway's port
                                 → telemetry: TLS with our leaf, an answer
                                 → elsewhere: a tunnel
"""

import asyncio
import logging
import socket
import ssl
from asyncio import (
    AbstractEventLoop,
    BaseTransport,
    StreamReader,
    StreamReaderProtocol,
    StreamWriter,
    Task,
    WriteTransport,
)
from dataclasses import dataclass

from naiad.service.aws_hosts import telemetry
from naiad.service.aws_hosts.contexts import Contexts
from naiad.service.aws_hosts.head import END, ESTABLISHED, MOST_BYTES, Refusal, Target, target_of
from naiad.service.aws_hosts.hosts import Goal, goal_of
from naiad.service.aws_hosts.passthrough import Elsewhere, opened
from naiad.service.aws_hosts.relay import Connection, relay

_LOG = logging.getLogger(__name__)
_OUT_OF_FILES_S = 0.2


@dataclass(frozen=True)
class Limits:
    connections: int = 256
    head_s: float = 10
    """For the head, and again for the TLS handshake."""
    idle_s: float = 600
    """Nothing moved either way."""


USUAL = Limits()


class Proxy:
    """Of one event loop. ``listening`` is bound to loopback and not blocking; it stays its owner's."""

    def __init__(
        self,
        listening: socket.socket,
        gateway: Target,
        contexts: Contexts,
        elsewhere: Elsewhere,
        limits: Limits = USUAL,
    ) -> None:
        self._listening, self._gateway, self._contexts = listening, gateway, contexts
        self._elsewhere, self._limits = elsewhere, limits
        self._running: set[Task[None]] = set()

    async def serve(self) -> None:
        """Until it is cancelled; connections end with it."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                await self._accept(loop)
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def _accept(self, loop: AbstractEventLoop) -> None:
        try:
            client, _ = await loop.sock_accept(self._listening)
        except ConnectionError:
            return
        except OSError as error:
            _LOG.warning("the proxy for AWS's hosts cannot accept: %s", error)
            await asyncio.sleep(_OUT_OF_FILES_S)
            return
        if len(self._running) >= self._limits.connections:
            _turn_away(client, self._limits.connections)
            return
        task = loop.create_task(self._guarded(client))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _guarded(self, client: socket.socket) -> None:
        try:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._served(client)
        except OSError as error:
            _LOG.debug("a connection to the proxy for AWS's hosts ended: %s", error)
        except Exception:  # noqa: BLE001  # reason: the edge of one connection; the others go on
            _LOG.exception("a connection to the proxy for AWS's hosts failed")
        finally:
            client.close()

    async def _served(self, client: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._limits.head_s):
                head, rest = await _read_head(loop, client)
            target = target_of(head)
            goal = goal_of(target.host, target.port)
            if goal is Goal.ELSEWHERE:
                await self._tunnel(client, target, rest)
                return
            await self._end_here(client, target, goal, rest)
        except Refusal as refusal:
            await loop.sock_sendall(client, refusal.answer())

    async def _tunnel(self, client: socket.socket, target: Target, rest: bytes) -> None:
        """``rest``: what the client sent behind its head. Raises Refusal."""
        other = await self._elsewhere.connect(target)
        try:
            await asyncio.get_running_loop().sock_sendall(client, ESTABLISHED)
            own = await _adopted(client, None, self._limits.head_s)
        except BaseException:
            await other.close()
            raise
        other.writer.write(rest)
        await relay(own, other, idle_s=self._limits.idle_s)

    async def _end_here(self, client: socket.socket, target: Target, goal: Goal, rest: bytes) -> None:
        """Raises Refusal."""
        if rest:
            raise Refusal(400, "the client went on before it was answered")
        context = self._contexts.of(target.host)
        if goal is Goal.TELEMETRY:
            await asyncio.get_running_loop().sock_sendall(client, ESTABLISHED)
            await telemetry.answer(await _adopted(client, context, self._limits.head_s))
            return
        gateway = await opened(self._gateway)
        try:
            await asyncio.get_running_loop().sock_sendall(client, ESTABLISHED)
            own = await _adopted(client, context, self._limits.head_s)
        except BaseException:
            await gateway.close()
            raise
        await relay(own, gateway, idle_s=self._limits.idle_s)


async def _read_head(loop: AbstractEventLoop, client: socket.socket) -> tuple[bytes, bytes]:
    """(the head without its end, what came behind it). Raises Refusal, ConnectionError, TimeoutError."""
    held = b""
    while END not in held:
        if len(held) > MOST_BYTES:
            raise Refusal(431, f"the request's head is larger than {MOST_BYTES:,} bytes")
        part = await loop.sock_recv(client, MOST_BYTES)
        if not part:
            raise ConnectionResetError("the client left before its request was whole")
        held += part
    head, _, rest = held.partition(END)
    return head, rest


async def _adopted(client: socket.socket, context: ssl.SSLContext | None, handshake_s: float) -> Connection:
    """The socket as streams, behind TLS with a context. Raises OSError for a handshake that fails."""
    loop = asyncio.get_running_loop()
    reader = StreamReader(loop=loop)
    protocol = _Protocol(reader, loop=loop)
    try:
        transport, _ = await loop.connect_accepted_socket(
            lambda: protocol, client, ssl=context, ssl_handshake_timeout=handshake_s if context is not None else None
        )
    except BaseException:
        protocol.abort()
        raise
    return Connection(reader, StreamWriter(transport, protocol, reader, loop))


class _Protocol(StreamReaderProtocol):
    """Can break off what was ready at the moment in which it was cancelled; asyncio would wait for the client's goodbye."""

    _made: WriteTransport | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        assert isinstance(transport, WriteTransport)
        self._made = transport

    def abort(self) -> None:
        if self._made is not None:
            self._made.abort()


def _turn_away(client: socket.socket, most: int) -> None:
    client.settimeout(0)
    with client:
        try:
            client.send(Refusal(503, f"{most} connections are open already; close some, or wait").answer())
        except OSError as error:
            _LOG.debug("a connection could not be told that there are too many: %s", error)
