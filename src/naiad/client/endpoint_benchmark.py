"""Measures how fast an endpoint answers: signed requests over connections that stay open, at growing load.

One process of this machine makes the load: where the endpoint runs on it too, the load takes some of its cores.
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

_SIGNATURE_LIFETIME_S = 60.0
"""A signature is used for so long."""
_WARM_UP_S = 1.0
_DEFAULT_PORTS = {"http": 80, "https": 443}
_REJECTIONS = (400, 403, 404, 406, 413, 415)
"""Statuses of a request that would fail again."""
_MIN_GAIN = 1.05
"""A larger load that brings less than 5 % more has found the limit."""
_MAX_CONNECTIONS = 256
"""More is too much for one process."""


@dataclass(frozen=True)
class LoadResult:
    """Result of one load: each connection sends its next request when it has its answer."""

    connections: int
    requests: int
    refused: int
    """Answers with 503: the client is to try again later."""
    failed: int
    rate: float
    """Answers with 200 a second."""
    p50_ms: float
    p90_ms: float
    p99_ms: float
    highest_ms: float


@dataclass(frozen=True)
class BenchmarkTarget:
    url: str
    """URL of the server."""
    region: str
    credentials: Credentials
    endpoint: str
    body: bytes
    content_type: str

    def make_request(self) -> bytes:
        """Returns the bytes of an HTTP request that is signed now."""
        path = f"/endpoints/{self.endpoint}/invocations"
        headers = {"Content-Type": self.content_type, "Accept": "*/*"}
        signed = AWSRequest("POST", self.url.rstrip("/") + path, data=self.body, headers=headers)
        SigV4Auth(self.credentials, "sagemaker", self.region).add_auth(signed)
        host = urlsplit(self.url).netloc
        lines = [f"POST {path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(self.body)}"]
        lines += [
            f"{name}: {value}"
            for name, value in signed.headers.items()
            if name.lower() not in ("host", "content-length")
        ]
        return "\r\n".join((*lines, "", "")).encode() + self.body


def measure_loads(
    target: BenchmarkTarget, *, connections: Sequence[int] | None = None, duration_s: float = 5.0
) -> Iterator[LoadResult]:
    """Measures each number of connections; if left out 1, 2, 4, … until the rate grows no more. Raises NaiadError."""
    best = 0.0
    for count in connections or (2**power for power in itertools.count()):
        result = asyncio.run(_measure_load(target, count, duration_s))
        yield result
        if connections is None and (result.rate < best * _MIN_GAIN or count >= _MAX_CONNECTIONS):
            return
        best = max(best, result.rate)


async def _measure_load(target: BenchmarkTarget, count: int, duration_s: float) -> LoadResult:
    clients = [_Client(target) for _ in range(count)]
    start = time.monotonic() + _WARM_UP_S
    await asyncio.gather(*(client.run(start, start + duration_s) for client in clients))
    times_ms = np.array([time_s for client in clients for time_s in client.times_s] or [0.0]) * 1000
    answered = sum(len(client.times_s) for client in clients)
    p50, p90, p99 = np.percentile(times_ms, (50, 90, 99))
    refused, failed = sum(client.refused for client in clients), sum(client.failed for client in clients)
    return LoadResult(
        connections=count,
        requests=answered + refused + failed,
        refused=refused,
        failed=failed,
        rate=answered / duration_s,
        p50_ms=float(p50),
        p90_ms=float(p90),
        p99_ms=float(p99),
        highest_ms=float(times_ms.max()),
    )


class _Client:
    """Sends requests over one connection, and counts the answers after the warm-up."""

    def __init__(self, target: BenchmarkTarget) -> None:
        self._target = target
        self.times_s: list[float] = []
        self.refused = self.failed = 0
        self._signed_at = -_SIGNATURE_LIFETIME_S
        self._request = b""

    async def run(self, start: float, end: float) -> None:
        reader, writer = await _open_connection(self._target.url)
        try:
            while (now := time.monotonic()) < end:
                if now - self._signed_at > _SIGNATURE_LIFETIME_S:
                    self._request, self._signed_at = self._target.make_request(), now
                    now = time.monotonic()
                status, text = await _send_request(reader, writer, self._request)
                if status in _REJECTIONS:
                    raise NaiadError(f"the endpoint refuses the request: {text.decode('utf-8', 'replace')[:500]}")
                if now >= start:
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


async def _send_request(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> tuple[int, bytes]:
    """Returns the answer's (status, body). Raises OSError, EOFError."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return int(head[9:12]), await reader.readexactly(length)


async def _open_connection(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Raises NaiadError."""
    parts = urlsplit(url)
    port = parts.port or _DEFAULT_PORTS[parts.scheme]
    try:
        return await asyncio.open_connection(parts.hostname, port, ssl=True if parts.scheme == "https" else None)
    except OSError as error:
        raise NaiadError(f"the server does not answer: {error}", hint="start one: naiad serve") from error
