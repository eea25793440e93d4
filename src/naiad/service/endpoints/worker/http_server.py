"""HTTP server of a replica's own port, for programs on this machine only.

Several replicas may listen on one port; the kernel spreads connections over them.
"""

import asyncio
import contextlib
import socket
from typing import Any

import uvicorn

from naiad.service.endpoints.worker.http_app import InvocationsApp

_HOST = "127.0.0.1"
_BACKLOG = 2048
_IDLE_CONNECTION_TIMEOUT_S = 1.0
"""Time for connections to end with a response when the replica ends; those that stay silent are closed after it."""
_POLL_INTERVAL_S = 0.02
_SHUTDOWN_TIMEOUT_S = 20


def listen(port: int) -> socket.socket:
    """Returns a listening socket. Several replicas may listen on one port. Raises OSError when another program has the port."""
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((_HOST, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


class InvocationsServer:
    """Serves from its creation until ``close``."""

    def __init__(self, listener: socket.socket, app: InvocationsApp) -> None:
        self._app, self._listener = app, listener
        config = uvicorn.Config(
            app,
            ws="none",
            lifespan="off",
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=_SHUTDOWN_TIMEOUT_S,
        )
        self._server = uvicorn.Server(config)
        self._serving = asyncio.ensure_future(self._serve())

    async def close(self) -> None:
        """Finishes open requests, and tells clients that keep their connection that it is over."""
        self._app.is_closing = True
        if self._server.started:
            await self._accept_last_connections()
        deadline = asyncio.get_running_loop().time() + _IDLE_CONNECTION_TIMEOUT_S
        while self._server.server_state.connections and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(_POLL_INTERVAL_S)
        self._server.should_exit = True
        await self._serving

    async def _accept_last_connections(self) -> None:
        """Closes the listener, but accepts the connections in its backlog first: the kernel would reset them."""
        connections = []
        with contextlib.suppress(BlockingIOError):
            while True:
                connections.append(self._listener.accept()[0])
        self._listener.shutdown(socket.SHUT_RD)
        for server in self._server.servers:
            server.close()
        for connection in connections:
            await asyncio.get_running_loop().connect_accepted_socket(self._make_protocol, connection)

    def _make_protocol(self) -> asyncio.Protocol:
        make: Any = self._server.config.http_protocol_class
        protocol: asyncio.Protocol = make(
            config=self._server.config, server_state=self._server.server_state, app_state={}
        )
        return protocol

    async def _serve(self) -> None:
        with self._listener:
            await self._server._serve([self._listener])  # serve() would take the signals of the process
