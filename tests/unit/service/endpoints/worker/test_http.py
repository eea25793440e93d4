"""The port of a replica, asked over loopback."""

import asyncio
import socket
import urllib.error
import urllib.request
from collections.abc import Callable

from naiad.service.endpoints.worker.http import Port, serve_port
from naiad.service.endpoints.worker.port import Answer, Invocation


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
        task = serve_port(port, Port(echo, asyncio.get_running_loop()))
        found = await asyncio.to_thread(ask)
        task.cancel()
        await asyncio.wait([task])
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
