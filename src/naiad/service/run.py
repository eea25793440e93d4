"""A server's life: it holds its state folder, serves, and drains when it is asked to end. Jobs run on without it."""

import asyncio
import ipaddress
import logging
import signal
import socket
import threading
from collections.abc import Callable

import uvicorn

from naiad.errors import OptionError
from naiad.home import Address, write_address
from naiad.service.compose import DEFAULT_BUCKET, Parts, Settings, compose
from naiad.service.domain.clock import SystemClock
from naiad.service.store.lock import hold

_DRAIN_S = 30


def serve(settings: Settings, *, ready: Callable[[Address], None]) -> None:
    """Until SIGTERM or Ctrl-C. ``ready`` is called when requests are answered.

    Raises OptionError for an address that is taken, FolderError when another server holds the state folder, InputError.
    """
    listening = _listen(settings.host, settings.port)
    url = f"http://{_shown(settings.host)}:{listening.getsockname()[1]}"
    with listening:
        held = hold(settings.state.absolute(), url=url, since=SystemClock().now())
        try:
            parts = compose(settings, url=url)
            key = parts.keys.first()
            address = Address(url, settings.region, DEFAULT_BUCKET, key.access_key, key.secret_key)
            write_address(settings.state, address)
            _run(parts, listening, lambda: ready(address))
        finally:
            held.release()


def _run(parts: Parts, listening: socket.socket, ready: Callable[[], None]) -> None:
    over = threading.Event()
    supervisor = threading.Thread(target=parts.supervisor.run, args=(over,), name="supervisor")
    config = uvicorn.Config(parts.gateway, log_level="warning", lifespan="off", timeout_graceful_shutdown=_DRAIN_S)
    server = _Server(config, ready)
    supervisor.start()
    try:
        server.run(sockets=[listening])
    finally:
        over.set()
        parts.supervisor.bell.ring()
        supervisor.join()
        parts.close()
        logging.getLogger(__name__).info("the server has ended; jobs run on")


class _Server(uvicorn.Server):
    """Says when it is ready; a signal ends it without being raised again."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ask_to_end)
        self._ready()

    def install_signal_handlers(self) -> None: ...

    def _ask_to_end(self) -> None:
        self.should_exit = True


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise OptionError(
            f"{host}:{port} cannot be listened on: {error.strerror or error}", hint="choose another: --port, --host"
        ) from error
    return listening


def _shown(host: str) -> str:
    """An address that a client on this machine can use."""
    if host in ("0.0.0.0", "::"):  # noqa: S104  # reason: only looked at
        return "127.0.0.1"
    return f"[{host}]" if ":" in host and ipaddress.ip_address(host).version == 6 else host
