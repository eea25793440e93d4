import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from naiad.client import endpoint_benchmark
from naiad.client.endpoint_benchmark import BenchmarkTarget, measure_loads
from naiad.errors import NaiadError

KEYS = Credentials("AKIATEST", "secret")
BODY = b"\x00\x01"


@dataclass
class AnsweringServer:
    """A server on loopback that answers with ``status()``, and keeps the first request of each connection."""

    status: Callable[[], int] = lambda: 200
    url: str = ""
    heads: list[bytes] = field(default_factory=list)
    connections: set[asyncio.Task[None] | None] = field(default_factory=set)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.add(asyncio.current_task())
        try:
            first = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(first)
            while True:
                await reader.readexactly(len(BODY))
                status = self.status()
                if not status:
                    break
                writer.write(b"HTTP/1.1 %d Said\r\nX-A: b\r\nContent-Length: 2\r\n\r\n{}" % status)
                await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def ended(self) -> None:
        """Waits until each connection is closed at this end."""
        await asyncio.gather(*(task for task in self.connections if task is not None))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AnsweringServer]:
    monkeypatch.setattr(endpoint_benchmark, "_WARM_UP_S", 0.02)
    answering, loop, listening = AnsweringServer(), asyncio.new_event_loop(), threading.Event()
    over = asyncio.Event()

    async def serve() -> None:
        async with await asyncio.start_server(answering.answer, "127.0.0.1", 0) as running:
            answering.url = f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}"
            listening.set()
            await over.wait()
        await answering.ended()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    listening.wait(10)
    yield answering
    loop.call_soon_threadsafe(over.set)
    thread.join()
    loop.close()


def target(url: str) -> BenchmarkTarget:
    return BenchmarkTarget(url, "us-east-1", KEYS, "shoes", BODY, "application/octet-stream")


def test_rates_and_percentiles(server: AnsweringServer) -> None:
    first, second = measure_loads(target(server.url), connections=[1, 3], duration_s=0.1)
    assert (first.connections, second.connections) == (1, 3)
    assert len(server.heads) == 4
    for load in (first, second):
        assert load.requests > 0
        assert (load.refused, load.failed) == (0, 0)
        assert load.rate == pytest.approx(load.requests / 0.1)
        assert 0 < load.p50_ms <= load.p90_ms <= load.p99_ms <= load.highest_ms


def test_requests_are_signed_as_botocore_signs(server: AnsweringServer) -> None:
    list(measure_loads(target(server.url), connections=[1], duration_s=0.02))
    head = server.heads[0].decode()
    lines = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
    assert head.startswith("POST /endpoints/shoes/invocations HTTP/1.1\r\n")
    assert lines["Host"] in server.url
    assert lines["Content-Type"] == "application/octet-stream"
    headers = {"Content-Type": lines["Content-Type"], "Accept": "*/*"}
    again = AWSRequest("POST", f"{server.url}/endpoints/shoes/invocations", data=BODY, headers=headers)
    again.context["timestamp"] = lines["X-Amz-Date"]
    signer = SigV4Auth(KEYS, "sagemaker", "us-east-1")
    signed = re.search(r"SignedHeaders=([^,]+)", lines["Authorization"])
    assert signed is not None
    again.headers["X-Amz-Date"] = lines["X-Amz-Date"]
    text = signer.string_to_sign(again, signer.canonical_request(again))
    assert signed[1] == "accept;content-type;host;x-amz-date"
    assert lines["Authorization"].endswith(f"Signature={signer.signature(text, again)}")


def test_refused_and_failed_requests_are_counted_separately(server: AnsweringServer) -> None:
    statuses = iter(range(10**9))
    server.status = lambda: (200, 503, 424)[next(statuses) % 3]
    (load,) = measure_loads(target(server.url), connections=[1], duration_s=0.2)
    assert load.refused > 0
    assert load.failed > 0
    assert load.rate == pytest.approx((load.requests - load.refused - load.failed) / 0.2)


@pytest.mark.parametrize("status", [400, 403, 404, 406, 413, 415])
def test_a_request_that_can_never_succeed_ends_the_benchmark(server: AnsweringServer, status: int) -> None:
    server.status = lambda: status
    with pytest.raises(NaiadError, match=r"the endpoint refuses the request: \{\}"):
        list(measure_loads(target(server.url), connections=[2], duration_s=5))


def test_a_server_that_closes_the_connection_is_an_error(server: AnsweringServer) -> None:
    server.status = lambda: 0
    with pytest.raises(NaiadError, match="the server closed the connection"):
        list(measure_loads(target(server.url), connections=[1], duration_s=5))


def test_a_server_that_does_not_answer_is_an_error() -> None:
    with pytest.raises(NaiadError, match="the server does not answer"):
        list(measure_loads(target("http://127.0.0.1:1"), connections=[1], duration_s=1))


def test_the_load_grows_until_the_rate_does_not(server: AnsweringServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint_benchmark, "_MIN_GAIN", 1e9)
    loads = list(measure_loads(target(server.url), duration_s=0.02))
    assert [load.connections for load in loads] == [1, 2]
