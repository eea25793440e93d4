"""The port of a replica, asked over loopback."""

import asyncio
import socket
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest

from naiad.service.endpoints.worker import http_server
from naiad.service.endpoints.worker.http_server import Port, PortServer, listening_at
from naiad.service.endpoints.worker.inference import Answer, Invocation, Reply


def echo(invocation: Invocation, reply: Callable[[Answer], None]) -> None:
    if invocation.body == b"stream":
        reply(Answer(200, iter([b"a", b"b"]), "text/plain"))
    else:
        reply(
            Answer(
                200,
                invocation.body + invocation.content_type.encode() + invocation.accept.encode(),
                "a/b",
                invocation.custom_attributes,
            )
        )


def free_port() -> int:
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        return int(chosen.getsockname()[1])


def asked(path: str, body: bytes | None) -> tuple[int, dict[str, str], bytes]:
    port = free_port()

    def ask() -> tuple[int, dict[str, str], bytes]:
        headers = {"Content-Type": "t/t", "Accept": "*/*", "X-Amzn-SageMaker-Custom-Attributes": "x"}
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status, dict(response.headers), response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, dict(error.headers), error.read()

    async def run() -> tuple[int, dict[str, str], bytes]:
        server = PortServer(listening_at(port), Port(echo, asyncio.get_running_loop()))
        found = await asyncio.to_thread(ask)
        await server.close()
        return found

    return asyncio.run(run())


def test_invocations():
    status, headers, body = asked("/invocations", b"hello")
    assert (status, headers["content-type"], headers["x-amzn-sagemaker-custom-attributes"], body) == (
        200,
        "a/b",
        "x",
        b"hellot/t*/*",
    )


def test_a_stream():
    assert asked("/invocations", b"stream")[2] == b"ab"


def test_a_large_body_and_one_that_is_too_large():
    large = b"x" * (3 * 2**20)
    assert asked("/invocations", large)[2] == large + b"t/t*/*"
    assert asked("/invocations", b"x" * (25 * 2**20 + 1))[0] == 413


def test_ping_and_nothing_else():
    assert asked("/ping", None)[0] == 200
    assert asked("/other", None)[0] == 404


async def sent(port: int, body: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /invocations HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
    return reader, writer


async def head_of(reader: asyncio.StreamReader) -> bytes:
    return (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)).lower()


def test_what_is_too_much_is_refused_and_all_is_counted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http_server, "_OPEN_AT_LEAST", 2)
    monkeypatch.setattr(http_server, "_TELL_EVERY_S", 0.01)
    held: list[Reply] = []
    told: list[tuple[int, int, float]] = []

    async def run() -> list[bytes]:
        port = free_port()
        app = Port(lambda _, reply: held.append(reply), asyncio.get_running_loop(), most_samples=0, tell=told.extend)
        server = PortServer(listening_at(port), app)
        both = [await sent(port, b"%d" % number) for number in range(2)]
        while len(held) < 2:
            await asyncio.sleep(0)
        third = await sent(port, b"2")
        heads = [await head_of(third[0])]
        for reply in held:
            reply(Answer(200, b"", "text/plain\r\nx: y"))
        heads += [await head_of(reader) for reader, _ in both]
        while sum(count for _, count, _ in told) < 3:
            await asyncio.sleep(0.001)
        for _, writer in (*both, third):
            writer.close()
        await server.close()
        return heads

    refused, *answered = asyncio.run(run())
    assert refused.startswith(b"http/1.1 503")
    assert b"retry-after: 1\r\n" in refused
    assert all(b"content-type: text/plain  x: y\r\n" in head for head in answered)
    assert sorted((status, count) for status, count, _ in told) in (
        [(200, 2), (503, 1)],
        [(200, 1), (200, 1), (503, 1)],
    )


def test_at_its_end_what_was_begun_is_answered_and_the_connection_told():
    held: list[Reply] = []

    async def run() -> bytes:
        port = free_port()
        server = PortServer(listening_at(port), Port(lambda _, reply: held.append(reply), asyncio.get_running_loop()))
        reader, writer = await sent(port, b"slow")
        while not held:
            await asyncio.sleep(0)
        closing = asyncio.ensure_future(server.close())
        await asyncio.sleep(0)
        held[0](Answer(200, b"done", "a/b"))
        head = await head_of(reader)
        assert await asyncio.wait_for(reader.read(), 30) == b"done"
        writer.close()
        await asyncio.wait_for(closing, 30)
        return head

    head = asyncio.run(run())
    assert head.startswith(b"http/1.1 200")
    assert b"connection: close" in head


def test_who_waits_at_the_door_when_it_closes_is_answered():
    async def run() -> list[bytes]:
        loop, port = asyncio.get_running_loop(), free_port()
        server = PortServer(listening_at(port), Port(echo, loop))
        while not server._server.started:
            await asyncio.sleep(0)
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]  # the loop has no turn meanwhile
        closing = asyncio.ensure_future(server.close())
        for one in clients:
            one.sendall(b"POST /invocations HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi")
        await asyncio.wait_for(closing, 30)
        heard = []
        for one in clients:
            with one:
                heard.append(one.recv(1000))
        return heard

    assert all(head.startswith(b"HTTP/1.1 200") for head in asyncio.run(run()))


def test_a_port_that_is_taken_by_somebody_else():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            listening_at(taken.getsockname()[1])
