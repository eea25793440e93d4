"""``python -m naiad.service.endpoints.worker SETTINGS``: one replica: a model, loaded once, and the socket that asks it.

SETTINGS is JSON: ``fd`` (the socket), ``pulse`` (another), ``model`` (the folder), ``engine``, ``most_samples``, ``port`` (of its
own, or null), ``start_timeout_s`` (until an executable answers). The model's environment is the process's. It ends when the
server goes, and when the model cannot be loaded, after it has said why.
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
from naiad.service.endpoints.frames import READY, packed
from naiad.service.endpoints.worker.batcher import Batcher
from naiad.service.endpoints.worker.handler_loader import open_handler
from naiad.service.endpoints.worker.heartbeat import answer_pulse
from naiad.service.endpoints.worker.http_server import Port, PortServer, listening_at
from naiad.service.endpoints.worker.inference import BatchHandler, OneHandler, Unfit
from naiad.service.endpoints.worker.passthrough import Passing
from naiad.service.endpoints.worker.server_connection import OnInvocation, ServerConnection

_LONGEST_REASON = 1024
_MOST_PASSED_ON = 16
"""Calls that an executable is taken to answer at once."""


def main(settings: dict[str, Any]) -> int:
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stdout)
    with socket.socket(fileno=settings["fd"]) as link:
        try:
            handler = open_handler(
                Path(settings["model"]), os.environ, settings["engine"], most_samples=settings["most_samples"]
            )
        except Exception as error:  # reason: loading runs the user's code
            logging.getLogger("naiad.worker").exception("the model cannot be loaded")
            _say_why(link, error)
            return 1
        answer_pulse(settings["pulse"])
        gc.collect()
        gc.freeze()
        uvloop.run(_serve(link, handler, settings["port"], settings["start_timeout_s"]))
    return 0


async def _serve(
    link: socket.socket, handler: BatchHandler | OneHandler, port: int | None, start_timeout_s: float
) -> None:
    loop = asyncio.get_running_loop()
    try:
        listening = _listening_at(port) if port is not None else None
        if isinstance(handler, OneHandler):
            await handler.start(within_s=start_timeout_s)
    except Unfit as error:
        _say_why(link, error)
    else:
        gone: asyncio.Future[None] = loop.create_future()
        loop.add_signal_handler(signal.SIGINT, lambda: None)
        connection = ServerConnection(gone)
        connection.on_invocation = take = _way(handler, loop, connection)
        await loop.create_unix_connection(lambda: connection, sock=link)
        own = None
        if listening is not None:
            samples = handler.most_samples if not isinstance(handler, OneHandler) else _MOST_PASSED_ON
            own = PortServer(listening, Port(take, loop, most_samples=samples, tell=connection.tell))
        connection.say(READY, 200, json.dumps({"pid": os.getpid()}).encode())
        await gone
        if own is not None:
            await own.close()
    if isinstance(handler, OneHandler):
        await handler.close()


def _listening_at(port: int) -> socket.socket:
    try:
        return listening_at(port)
    except OSError as error:
        reason = f"NAIAD_REPLICA_PORT {port} cannot be listened at: {error.strerror or error}; give a port that is free"
        raise Unfit(424, reason) from error


def _way(
    handler: BatchHandler | OneHandler, loop: asyncio.AbstractEventLoop, connection: ServerConnection
) -> OnInvocation:
    if isinstance(handler, OneHandler):
        return Passing(handler, loop, after=connection.flush, lose=connection.lose).add
    return Batcher(handler, loop, after_batch=connection.flush).add


def _say_why(link: socket.socket, error: Exception) -> None:
    kind = "" if isinstance(error, Unfit | NaiadError) else f"{type(error).__name__}: "
    reason = f"{kind}{error}"[:_LONGEST_REASON]
    link.sendall(packed(READY, 424, b"", reason.encode("utf-8", "replace")))


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
