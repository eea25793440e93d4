"""``python -m naiad.service.endpoints.worker SETTINGS``: one replica, which loads a model once and answers the server's requests.

SETTINGS is JSON: ``socket_fd``, ``heartbeat_fd`` (a second socket), ``model_folder``, ``engine``, ``max_batch_size``,
``listener_fd`` (the listening socket of a port of its own, or null), ``token_sha256`` (of that port's token), ``start_timeout_s``
(until an executable answers). The model's environment is the one of the process. The worker ends when the server goes, and when
the model cannot be loaded, after it has sent the reason.
"""

import asyncio
import gc
import json
import logging
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import uvloop

from naiad.errors import NaiadError
from naiad.service.endpoints.frames import READY, pack_frame
from naiad.service.endpoints.worker.batcher import Batcher
from naiad.service.endpoints.worker.handler_loader import load_handler
from naiad.service.endpoints.worker.handler_port import BatchHandler, PassthroughHandler
from naiad.service.endpoints.worker.heartbeat import answer_heartbeats
from naiad.service.endpoints.worker.http_app import InvocationsApp
from naiad.service.endpoints.worker.http_server import InvocationsServer
from naiad.service.endpoints.worker.inference import MAX_MESSAGE_CHARACTERS, Dispatch, InferenceError
from naiad.service.endpoints.worker.passthrough import Passthrough
from naiad.service.endpoints.worker.program_handler import Program
from naiad.service.endpoints.worker.server_connection import ServerConnection

_CONCURRENT_REQUESTS = 16
"""Requests that an executable is assumed to answer at once."""


def main(settings: dict[str, Any]) -> int:
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stdout)
    with socket.socket(fileno=settings["socket_fd"]) as server:
        try:
            model = load_handler(
                Path(settings["model_folder"]),
                os.environ,
                settings["engine"],
                max_batch_size=settings["max_batch_size"],
            )
        except Exception as error:  # reason: loading runs the user's code
            logging.getLogger("naiad.worker").exception("the model cannot be loaded")
            _send_failure(server, error)
            return 1
        answer_heartbeats(settings["heartbeat_fd"])
        gc.collect()
        gc.freeze()
        uvloop.run(_run(server, model, settings))
    return 0


async def _run(server: socket.socket, model: BatchHandler | Program, settings: dict[str, Any]) -> None:
    try:
        handler = await model.start(timeout_s=settings["start_timeout_s"]) if isinstance(model, Program) else model
    except InferenceError as error:
        _send_failure(server, error)
        return
    await _serve(server, handler, settings)
    if isinstance(handler, PassthroughHandler):
        await handler.close()


async def _serve(server: socket.socket, handler: BatchHandler | PassthroughHandler, settings: dict[str, Any]) -> None:
    """Answers requests until the server has gone."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, lambda: None)
    connection = ServerConnection(loop, lambda connection: _make_dispatch(handler, loop, connection))
    await loop.create_unix_connection(lambda: connection, sock=server)
    http_server = None
    if settings["listener_fd"] is not None:
        size = _CONCURRENT_REQUESTS if isinstance(handler, PassthroughHandler) else handler.max_batch_size
        app = InvocationsApp(
            connection.dispatch,
            loop,
            max_batch_size=size,
            token_sha256=settings["token_sha256"],
            report_counts=connection.report_port_counts,
        )
        http_server = InvocationsServer(socket.socket(fileno=settings["listener_fd"]), app)
    connection.send(READY, 200, json.dumps({"pid": os.getpid()}).encode())
    await connection.closed
    if http_server is not None:
        await http_server.close()


def _make_dispatch(
    handler: BatchHandler | PassthroughHandler, loop: asyncio.AbstractEventLoop, connection: ServerConnection
) -> Dispatch:
    if isinstance(handler, PassthroughHandler):
        flush, disconnect = connection.flush, connection.disconnect
        return Passthrough(handler, loop, after_response=flush, disconnect=disconnect).submit
    return Batcher(handler, loop, after_batch=connection.flush).submit


def _send_failure(server: socket.socket, error: Exception) -> None:
    kind = "" if isinstance(error, InferenceError | NaiadError) else f"{type(error).__name__}: "
    reason = f"{kind}{error}"[:MAX_MESSAGE_CHARACTERS]
    server.sendall(pack_frame(READY, 424, b"", reason.encode("utf-8", "replace")))


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
