"""The life of a server: it locks its state folder, serves, and finishes its requests when it ends. Jobs run on without it."""

import asyncio
import contextlib
import functools
import gc
import ipaddress
import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import uvicorn

from naiad import durable
from naiad.errors import FolderError, OptionError
from naiad.home import ServerAddress, write_address
from naiad.service.aws_hosts.open import open_aws_hosts
from naiad.service.compose import DEFAULT_BUCKET, ServerParts, Settings, compose
from naiad.service.domain.clock import SystemClock
from naiad.service.gateway.http.connection_budget import ConnectionBudget
from naiad.service.gateway.http.http_protocol import BoundedHttpProtocol
from naiad.service.store.database_lock import lock_database
from naiad.service.store.lock import StoreLock, lock_folder

_LOG = logging.getLogger(__name__)
_KEEP_ALIVE_S = 20
"""An idle connection stays open for so long; boto3 reuses its connections."""
_BACKLOG = 2048  # connections; more than the system's limit is that limit
_CLEANUP_TIMEOUT_S = 5.0
"""A server that ends waits so long for the cleanup. The next start does the rest."""


def serve(settings: Settings, *, ready: Callable[[ServerAddress], None]) -> None:
    """Serves until SIGTERM or Ctrl-C. Calls ``ready`` when requests are answered.

    Raises OptionError for an address that is taken, FolderError when another server has the state folder, InputError.
    """
    listening = _listen(settings.host, settings.port)
    url = f"http://{_client_host(settings.host)}:{listening.getsockname()[1]}"
    with listening, _locked_store(settings, url) as store_lock:
        parts = compose(settings, url=url, store_lock=store_lock)
        key = parts.keys.first()
        address = ServerAddress(url, settings.region, DEFAULT_BUCKET, key.access_key, key.secret_key)
        with _aws_hosts(settings, address) as full_address:
            _write_address(settings, full_address)
            _run(parts, settings, listening, lambda: ready(full_address))


@contextlib.contextmanager
def _locked_store(settings: Settings, url: str) -> Iterator[StoreLock]:
    """Locks the state folder, and the database where it is elsewhere; yields the lock of the store."""
    since = SystemClock().now()
    with contextlib.ExitStack() as locks:
        store_lock: StoreLock = lock_folder(settings.state.absolute(), url=url, since=since)
        locks.callback(store_lock.release)
        if settings.database is not None and not settings.database.startswith("sqlite:"):
            store_lock = lock_database(settings.database, url=url, since=since)
            locks.callback(store_lock.release)
        yield store_lock


def _write_address(settings: Settings, address: ServerAddress) -> None:
    """A full disk does not keep the server from starting: its address is the last one, unless the log says otherwise."""
    try:
        write_address(settings.state, address)
    except OSError as error:
        _LOG.warning("the address %s cannot be written for clients on this machine: %s", address.url, error)


@contextlib.contextmanager
def _aws_hosts(settings: Settings, address: ServerAddress) -> Iterator[ServerAddress]:
    """Runs the proxy, and yields the address with the proxy's added. Raises OptionError, FolderError."""
    if settings.aws_hosts_port is None:
        yield address
        return
    try:
        proxy = open_aws_hosts(settings.state, address.url, settings.aws_hosts_port, SystemClock())
    except FolderError as error:
        if not durable.is_disk_trouble(error):
            raise
        _LOG.warning("%s; the server runs without the proxy for AWS's hosts", error)
        yield address
        return
    with proxy:
        yield replace(address, proxy_url=proxy.proxy_url, ca_bundle=str(proxy.bundle))


def _run(parts: ServerParts, settings: Settings, listening: socket.socket, ready: Callable[[], None]) -> None:
    stop_event = threading.Event()
    supervisor = threading.Thread(target=parts.supervisor.run, args=(stop_event,), name="supervisor")
    tuning = threading.Thread(target=parts.tunings.run, args=(stop_event,), name="tuning", daemon=True)
    cleanup = threading.Thread(target=parts.cleanup.run, name="cleanup", daemon=True)
    upkeeps = [threading.Thread(target=upkeep.run, name="upkeep", daemon=True) for upkeep in parts.upkeeps]
    config = uvicorn.Config(
        parts.gateway,
        http=functools.partial(BoundedHttpProtocol, budget=ConnectionBudget()),  # type: ignore[arg-type]  # reason: it is called, no more
        ws="none",
        log_level="warning",
        lifespan="off",
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        backlog=_BACKLOG,
        server_header=False,
        timeout_graceful_shutdown=settings.drain_timeout_s,
    )
    server = _Server(config, parts, ready)
    supervisor.start()
    for thread in (cleanup, tuning, *upkeeps):
        thread.start()
    try:
        server.run(sockets=[listening])
    finally:
        stop_event.set()
        parts.supervisor.unfinished.wake_event.wake()
        parts.tunings.wake_event.wake()
        supervisor.join()
        parts.cleanup.stop()
        for upkeep in parts.upkeeps:
            upkeep.stop()
        for thread in (cleanup, tuning, *upkeeps):
            thread.join(_CLEANUP_TIMEOUT_S)
        parts.close()
        _LOG.info("the server has ended; jobs run on")


class _Server(uvicorn.Server):
    """Calls ``ready`` when it serves. A signal ends it and is not raised again afterwards, as uvicorn does."""

    def __init__(self, config: uvicorn.Config, parts: ServerParts, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._parts, self._ready = parts, ready
        self._endpoints: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._request_exit)
        self._endpoints = loop.create_task(self._parts.endpoints.run())
        await self._parts.asynchronous.resume()
        gc.collect()
        gc.freeze()  # what is loaded by now stays: scanning it again would only delay requests
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Lets the replicas finish the requests that they have, and ends them."""
        await super().shutdown(sockets=sockets)
        self._parts.asynchronous.close()
        if self._endpoints is not None:
            self._endpoints.cancel()
            await asyncio.wait([self._endpoints])

    def install_signal_handlers(self) -> None: ...

    def _request_exit(self) -> None:
        self.should_exit = True


def _listen(host: str, port: int) -> socket.socket:
    """Listens at once: until then, another socket could be bound to the port and listen before this one."""
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise OptionError(
            f"the server cannot listen on {host}:{port}: {error.strerror or error}",
            hint="choose another with --port or --host",
        ) from error
    return listening


def _client_host(host: str) -> str:
    """Returns an address that a client on this machine can use."""
    if host in ("0.0.0.0", "::"):  # noqa: S104  # reason: only looked at
        return "127.0.0.1"
    return f"[{host}]" if ":" in host and ipaddress.ip_address(host).version == 6 else host
