"""Tests of a replica's own port over loopback."""

import asyncio
import socket
import urllib.error
import urllib.request

from naiad.service.endpoints.worker.http_app import InvocationsApp
from naiad.service.endpoints.worker.http_server import InvocationsServer
from naiad.service.endpoints.worker.inference import Dispatch, InferenceRequest, InferenceResponse, SendResponse


def echo(request: InferenceRequest, send: SendResponse) -> None:
    if request.body == b"stream":
        send(InferenceResponse(200, iter([b"a", b"b"]), "text/plain"))
    else:
        body = request.body + request.content_type.encode() + request.accept.encode()
        send(InferenceResponse(200, body, "a/b", request.custom_attributes))


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.bind(("127.0.0.1", port))
    listener.listen()
    listener.setblocking(False)
    return listener


def fetch(path: str, body: bytes | None) -> tuple[int, dict[str, str], bytes]:
    """Returns (status, headers, body) of a server that serves one request."""
    port = free_port()

    def send() -> tuple[int, dict[str, str], bytes]:
        headers = {"Content-Type": "t/t", "Accept": "*/*", "X-Amzn-SageMaker-Custom-Attributes": "x"}
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status, dict(response.headers), response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, dict(error.headers), error.read()

    async def run() -> tuple[int, dict[str, str], bytes]:
        server = InvocationsServer(listen(port), InvocationsApp(echo, asyncio.get_running_loop()))
        result = await asyncio.to_thread(send)
        await server.close()
        return result

    return asyncio.run(run())


def test_invocations():
    status, headers, body = fetch("/invocations", b"hello")
    assert (status, headers["content-type"], headers["x-amzn-sagemaker-custom-attributes"], body) == (
        200,
        "a/b",
        "x",
        b"hellot/t*/*",
    )


def test_a_stream():
    assert fetch("/invocations", b"stream")[2] == b"ab"


def test_a_large_body_and_one_that_is_too_large():
    large = b"x" * (3 * 2**20)
    assert fetch("/invocations", large)[2] == large + b"t/t*/*"
    assert fetch("/invocations", b"x" * (25 * 2**20 + 1))[0] == 413


def test_ping_and_unknown_paths():
    assert fetch("/ping", None)[0] == 200
    assert fetch("/other", None)[0] == 404


async def post(port: int, body: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /invocations HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
    return reader, writer


async def read_head(reader: asyncio.StreamReader) -> bytes:
    return (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)).lower()


def test_close_finishes_open_requests_and_their_connections():
    held: list[SendResponse] = []

    async def run() -> bytes:
        port = free_port()
        app = InvocationsApp(lambda _, send: held.append(send), asyncio.get_running_loop())
        server = InvocationsServer(listen(port), app)
        reader, writer = await post(port, b"slow")
        while not held:
            await asyncio.sleep(0)
        closing = asyncio.ensure_future(server.close())
        await asyncio.sleep(0)
        held[0](InferenceResponse(200, b"done", "a/b"))
        head = await read_head(reader)
        assert await asyncio.wait_for(reader.read(), 30) == b"done"
        writer.close()
        await asyncio.wait_for(closing, 30)
        return head

    head = asyncio.run(run())
    assert head.startswith(b"http/1.1 200")
    assert b"connection: close" in head


def test_connections_in_the_backlog_are_answered_before_the_listener_closes():
    async def run() -> list[bytes]:
        loop, port = asyncio.get_running_loop(), free_port()
        server = InvocationsServer(listen(port), InvocationsApp(echo, loop))
        while not server._server.started:
            await asyncio.sleep(0)
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]  # the loop does not run meanwhile
        closing = asyncio.ensure_future(server.close())
        for one in clients:
            one.sendall(b"POST /invocations HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\nhi")
        await asyncio.wait_for(closing, 30)
        responses = []
        for one in clients:
            with one:
                responses.append(one.recv(1000))
        return responses

    assert all(head.startswith(b"HTTP/1.1 200") for head in asyncio.run(run()))


def test_two_replicas_accept_from_one_port():
    """Each accepts one connection in a turn of its loop, so that a burst is spread over both."""

    async def run() -> tuple[int, int]:
        loop, port = asyncio.get_running_loop(), free_port()
        listener, answers = listen(port), [0, 0]

        def count(number: int) -> Dispatch:
            def dispatch(_request: InferenceRequest, send: SendResponse) -> None:
                answers[number] += 1
                send(InferenceResponse(200, b"", "a/b"))

            return dispatch

        servers = [
            InvocationsServer(listener if number == 0 else listener.dup(), InvocationsApp(count(number), loop))
            for number in range(2)
        ]
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]  # the loop does not run meanwhile
        for one in clients:
            one.sendall(b"POST /invocations HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\nhi")
        while sum(answers) < len(clients):
            await asyncio.sleep(0)
        for one in clients:
            one.close()
        await asyncio.gather(*(server.close() for server in servers))
        return answers[0], answers[1]

    first, second = asyncio.run(run())
    assert first + second == 20
    assert min(first, second) >= 5


def test_a_replica_that_ends_leaves_the_port_to_the_others():
    async def run() -> bytes:
        loop, port = asyncio.get_running_loop(), free_port()
        listener = listen(port)
        with listener.dup() as kept:
            server = InvocationsServer(listener, InvocationsApp(echo, loop))
            await server.close()
            reader, writer = await post(port, b"hi")
            server = InvocationsServer(kept.dup(), InvocationsApp(echo, loop))
            head = await read_head(reader)
            writer.close()
            await server.close()
            return head

    assert asyncio.run(run()).startswith(b"http/1.1 200")
