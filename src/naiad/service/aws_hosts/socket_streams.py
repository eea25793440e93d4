"""An accepted socket as a pair of asyncio streams, with or without TLS."""

import asyncio
import socket
import ssl
from asyncio import BaseTransport, StreamReader, StreamReaderProtocol, StreamWriter, WriteTransport

from naiad.service.aws_hosts.tunnel import StreamConnection


async def open_socket_streams(
    client: socket.socket, context: ssl.SSLContext | None, handshake_timeout_s: float
) -> StreamConnection:
    """``context``: of the server's side of TLS; None: no TLS. Raises OSError for a handshake that fails."""
    loop = asyncio.get_running_loop()
    reader = StreamReader(loop=loop)
    protocol = _AbortableProtocol(reader, loop=loop)
    timeout_s = handshake_timeout_s if context is not None else None
    try:
        transport, _ = await loop.connect_accepted_socket(
            lambda: protocol, client, ssl=context, ssl_handshake_timeout=timeout_s
        )
    except BaseException:
        protocol.abort()
        raise
    return StreamConnection(reader, StreamWriter(transport, protocol, reader, loop))


class _AbortableProtocol(StreamReaderProtocol):
    """Aborts a connection that was ready in the moment of cancellation; asyncio would wait for the client's end of it."""

    _write_transport: WriteTransport | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        if not isinstance(transport, WriteTransport):
            raise TypeError(f"a socket has a transport to write to, given {type(transport).__name__}")
        self._write_transport = transport

    def abort(self) -> None:
        if self._write_transport is not None:
            self._write_transport.abort()
