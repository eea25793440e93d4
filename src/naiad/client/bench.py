"""How fast an endpoint answers: signed requests over connections that stay open, at growing load.

One process of this machine makes the load, so on the endpoint's own machine it takes its part of the cores.
"""

import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import numpy as np
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from naiad.errors import NaiadError

_SIGNATURE_S = 60.0
"""For how long one is used."""
_WARM_UP_S = 1.0
_PORTS = {"http": 80, "https": 443}
_WRONG = (400, 403, 404, 406, 413, 415)
"""The request's own fault: it would fail again."""
_ENOUGH = 1.05
"""A step of the load that brings less than 5 % more has found the limit."""


@dataclass(frozen=True)
class Load:
    """What was seen with so many connections, each of which asks again when it has its answer."""

    connections: int
    requests: int
    refused: int
    """503: told to come again."""
    failed: int
    rate: float
    """Answers with 200 a second."""
    p50_ms: float
    p90_ms: float
    p99_ms: float
    highest_ms: float


@dataclass(frozen=True)
class Target:
    url: str
    """Of the server."""
    region: str
    credentials: Credentials
    endpoint: str
    body: bytes
    content_type: str

    def request(self) -> bytes:
        """Signed now, as it goes over the wire."""
        path = f"/endpoints/{self.endpoint}/invocations"
        headers = {"Content-Type": self.content_type, "Accept": "*/*"}
        signed = AWSRequest("POST", self.url.rstrip("/") + path, data=self.body, headers=headers)
        SigV4Auth(self.credentials, "sagemaker", self.region).add_auth(signed)
        parts = urlsplit(self.url)
        lines = [f"POST {path} HTTP/1.1", f"Host: {parts.netloc}", f"Content-Length: {len(self.body)}"]
        lines += [
            f"{name}: {value}"
            for name, value in signed.headers.items()
            if name.lower() not in ("host", "content-length")
        ]
        return "\r\n".join((*lines, "", "")).encode() + self.body


def growing(target: Target, *, connections: Sequence[int] | None = None, duration_s: float = 5.0) -> Iterator[Load]:
    """At each number of connections; without them 1, 2, 4, … until the rate grows no more. Raises NaiadError."""
    best = 0.0
    for count in connections or (2**power for power in itertools.count()):
        load = asyncio.run(_measured(target, count, duration_s))
        yield load
        if connections is None and (load.rate < best * _ENOUGH or count >= 256):  # reason: enough for one process
            return
        best = max(best, load.rate)


async def _measured(target: Target, count: int, duration_s: float) -> Load:
    clients = [_Client(target) for _ in range(count)]
    began = time.monotonic() + _WARM_UP_S
    await asyncio.gather(*(client.run(began, began + duration_s) for client in clients))
    times_ms = np.array([one for client in clients for one in client.times_s] or [0.0]) * 1000
    good = sum(len(client.times_s) for client in clients)
    p50, p90, p99 = np.percentile(times_ms, (50, 90, 99))
    refused, failed = sum(client.refused for client in clients), sum(client.failed for client in clients)
    return Load(
        count,
        good + refused + failed,
        refused,
        failed,
        good / duration_s,
        float(p50),
        float(p90),
        float(p99),
        float(times_ms.max()),
    )


class _Client:
    def __init__(self, target: Target) -> None:
        self._target = target
        self.times_s: list[float] = []
        self.refused = self.failed = 0
        self._signed_at = -_SIGNATURE_S
        self._request = b""

    async def run(self, began: float, end: float) -> None:
        reader, writer = await _connected(self._target.url)
        try:
            while (now := time.monotonic()) < end:
                if now - self._signed_at > _SIGNATURE_S:
                    self._request, self._signed_at = self._target.request(), now
                    now = time.monotonic()
                status, text = await _asked(reader, writer, self._request)
                if status in _WRONG:
                    raise NaiadError(f"the endpoint refuses the request: {text.decode('utf-8', 'replace')[:500]}")
                if now >= began:
                    self._count(status, time.monotonic() - now)
        except (OSError, EOFError) as error:
            raise NaiadError(f"the server closed the connection: {error}") from error
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def _count(self, status: int, seconds: float) -> None:
        if status == 200:  # reason: HTTP's
            self.times_s.append(seconds)
        elif status == 503:  # reason: HTTP's
            self.refused += 1
        else:
            self.failed += 1


async def _asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> tuple[int, bytes]:
    """(status, body). Raises OSError, EOFError."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return int(head[9:12]), await reader.readexactly(length)


async def _connected(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Raises NaiadError."""
    parts = urlsplit(url)
    port = parts.port or _PORTS[parts.scheme]
    try:
        return await asyncio.open_connection(parts.hostname, port, ssl=True if parts.scheme == "https" else None)
    except OSError as error:
        raise NaiadError(f"the server does not answer: {error}", hint="start one: naiad serve") from error
