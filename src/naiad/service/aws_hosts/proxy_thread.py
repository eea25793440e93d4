"""The proxy as a thread of the server's process, with an event loop of its own."""

import asyncio
import contextlib
import functools
import socket
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from naiad.service.aws_hosts.ca_bundle import BUNDLE_FILE, write_ca_bundle
from naiad.service.aws_hosts.certificate_authority import CertificateAuthority
from naiad.service.aws_hosts.connect_proxy import DEFAULT_LIMITS, ConnectProxy, ProxyLimits
from naiad.service.aws_hosts.connect_request import HostPort
from naiad.service.aws_hosts.passthrough import Passthrough
from naiad.service.aws_hosts.tls_contexts import TlsContexts
from naiad.service.domain.clock import Clock


class AwsHostsProxy:
    """Context manager: the proxy runs inside it; afterwards its port, thread and connections are closed."""

    def __init__(
        self,
        folder: Path,
        listening: socket.socket,
        gateway: HostPort,
        passthrough: Passthrough,
        *,
        clock: Clock,
        environment: Mapping[str, str],
        limits: ProxyLimits = DEFAULT_LIMITS,
    ) -> None:
        """Takes ``listening`` over. ``environment`` may name more roots to trust. Raises FolderError."""
        self.proxy_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self.bundle = folder / BUNDLE_FILE
        publish = functools.partial(_publish, folder, environment)
        contexts = TlsContexts(CertificateAuthority.open(folder, clock, publish), folder, clock)
        self._listening = listening
        self._loop = asyncio.SelectorEventLoop()
        self._serving = self._loop.create_task(ConnectProxy(listening, gateway, contexts, passthrough, limits).serve())
        self._thread = threading.Thread(target=self._run, name="aws-hosts")

    def __enter__(self) -> Self:
        self._listening.settimeout(0)
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
        self._loop.run_until_complete(asyncio.sleep(0))  # the loop's next turn closes sockets that were aborted


def _publish(folder: Path, environment: Mapping[str, str], root_pem: bytes) -> None:
    write_ca_bundle(folder, root_pem, environment)
