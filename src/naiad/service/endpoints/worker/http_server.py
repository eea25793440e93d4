"""HTTP server of a replica's own port, for programs on this machine only.

The server has opened the port, and all replicas of an endpoint accept from it: the one that is free takes the next connection.
"""

import asyncio
import socket
from typing import Any

import uvicorn

from naiad.service.endpoints.worker.http_app import InvocationsApp

_IDLE_CONNECTION_TIMEOUT_S = 1.0
"""Time for connections to end with a response when the replica ends; those that stay silent are closed after it."""
_POLL_INTERVAL_S = 0.02
_ACCEPT_RETRY_S = 0.2
"""The wait after an accept that failed, for example because no more files can be opened."""
_SHUTDOWN_TIMEOUT_S = 20


class InvocationsServer:
    """Serves from its creation until ``close``."""

    def __init__(self, listener: socket.socket, app: InvocationsApp) -> None:
        """``listener``: listens, and does not block. Other processes may accept from it too."""
        self._app, self._listener = app, listener
        config = uvicorn.Config(
            app,
            ws="none",
            lifespan="off",
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=_SHUTDOWN_TIMEOUT_S,
        )
        config.load()
        self._server = uvicorn.Server(config)
        self._connecting: set[asyncio.Task[Any]] = set()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(listener, self._accept)
        self._serving = asyncio.ensure_future(self._serve())

    async def close(self) -> None:
        """Finishes open requests, and tells clients that keep their connection that it is over."""
        self._app.is_closing = True
        self._loop.remove_reader(self._listener)
        while self._accept_one():  # those that no other replica has accepted
            pass
        if self._connecting:
            await asyncio.wait(self._connecting)
        deadline = self._loop.time() + _IDLE_CONNECTION_TIMEOUT_S
        while self._server.server_state.connections and self._loop.time() < deadline:
            await asyncio.sleep(_POLL_INTERVAL_S)
        self._server.should_exit = True
        await self._serving

    def _accept(self) -> None:
        """Accepts one connection in each turn of the loop, so that the next one goes to a replica that has less to do."""
        try:
            self._accept_one()
        except OSError:
            self._loop.remove_reader(self._listener)
            self._loop.call_later(_ACCEPT_RETRY_S, self._accept_again)

    def _accept_again(self) -> None:
        if not self._app.is_closing:
            self._loop.add_reader(self._listener, self._accept)

    def _accept_one(self) -> bool:
        """Returns False where there is none, because another replica was faster. Raises OSError."""
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, ConnectionError):
            return False
        connection.setblocking(False)  # noqa: FBT003  # reason: socket's signature
        task = self._loop.create_task(self._loop.connect_accepted_socket(self._make_protocol, connection))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)
        return True

    def _make_protocol(self) -> asyncio.Protocol:
        make: Any = self._server.config.http_protocol_class
        protocol: asyncio.Protocol = make(
            config=self._server.config, server_state=self._server.server_state, app_state={}
        )
        return protocol

    async def _serve(self) -> None:
        with self._listener:
            await self._server._serve([])  # serve() would take the signals of the process
