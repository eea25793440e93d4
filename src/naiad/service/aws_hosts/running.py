"""The proxy's life in the server's process: a thread with an event loop of its own, from a bound port to a joined thread."""

import asyncio
import contextlib
import functools
import socket
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from naiad.service.aws_hosts.authority import Authority
from naiad.service.aws_hosts.bundle import FILE, write_bundle
from naiad.service.aws_hosts.contexts import Contexts
from naiad.service.aws_hosts.head import Target
from naiad.service.aws_hosts.passthrough import Elsewhere
from naiad.service.aws_hosts.proxy import USUAL, Limits, Proxy
from naiad.service.domain.clock import Clock


class AwsHosts:
    """As a context manager: runs inside, and has let go of port, thread and connections after it."""

    def __init__(
        self,
        folder: Path,
        listening: socket.socket,
        gateway: Target,
        elsewhere: Elsewhere,
        *,
        clock: Clock,
        environment: Mapping[str, str],
        limits: Limits = USUAL,
    ) -> None:
        """Takes ``listening`` over; ``environment`` may name more roots to trust. Raises FolderError."""
        self.proxy_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self.bundle = folder / FILE
        publish = functools.partial(_publish, folder, environment)
        contexts = Contexts(Authority.open(folder, clock, publish), folder, clock)
        self._listening = listening
        self._proxy = Proxy(listening, gateway, contexts, elsewhere, limits)
        self._loop = asyncio.SelectorEventLoop()
        self._thread = threading.Thread(target=self._run, name="aws-hosts")

    def __enter__(self) -> Self:
        self._listening.settimeout(0)
        self._serving = self._loop.create_task(self._proxy.serve())
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._serving.cancel)
        self._thread.join()
        self._loop.close()
        self._listening.close()

    def _run(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._serving)
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.run_until_complete(
            asyncio.sleep(0)
        )  # sockets that were broken off are closed at the loop's next turn


def _publish(folder: Path, environment: Mapping[str, str], root_pem: bytes) -> None:
    write_bundle(folder, root_pem, environment)
