"""Tests with real programs on loopback."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from naiad.service.endpoints.worker.inference import (
    InferenceError,
    InferenceRequest,
    InferenceResponse,
    ModelProcessExited,
)
from naiad.service.endpoints.worker.program_handler import Program, ProgramHandler

T = TypeVar("T")
SERVER = f"""#!{sys.executable}
import http.server, os, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self): self.answer(200, b"")
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body == b"break":
            self.close_connection = True
            return
        if body == b"die":
            os._exit(9)
        if body == b"late":
            time.sleep(60)
        if body == b"created":
            self.answer(201, body)
            return
        if body == b"slowly":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"5\\r\\nfirst\\r\\n")
            with open("go") as go: go.read()
            self.wfile.write(b"4\\r\\nlast\\r\\n0\\r\\n\\r\\n")
            return
        if body == b"chunks":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"3\\r\\nabc\\r\\n2\\r\\nde\\r\\n0\\r\\n\\r\\n")
            return
        said = self.headers.get("X-Amzn-SageMaker-Custom-Attributes", "").encode()
        self.answer(500 if body == b"fail" else 200, body + b" " + self.headers["Content-Type"].encode() + b" " + said)
        if body == b"once":
            self.close_connection = True
    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "text/x-own")
        self.send_header("X-Amzn-SageMaker-Custom-Attributes", "back")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""


def program(folder: Path, text: str) -> Program:
    path = folder / "serve"
    path.write_text(text)
    path.chmod(0o755)
    return Program(path, {"PATH": "/usr/bin:/bin"})


def run(folder: Path, text: str, act: Callable[[ProgramHandler], Awaitable[T]]) -> T:
    async def started() -> T:
        handler = await program(folder, text).start()
        try:
            return await act(handler)
        finally:
            await handler.close()

    return asyncio.run(started())


def test_requests_and_responses(tmp_path: Path):
    async def ask(handler: ProgramHandler) -> list[InferenceResponse]:
        words = [
            InferenceRequest(b"hello", "text/plain", custom_attributes="to"),
            InferenceRequest(b"once", "a/b"),
            InferenceRequest(b"again", "a/b"),
        ]
        responses = [await handler.handle(one) for one in words]
        return [
            *responses,
            *(await asyncio.gather(*(handler.handle(InferenceRequest(str(n).encode(), "n/n")) for n in range(50)))),
        ]

    responses = run(tmp_path, SERVER, ask)
    assert responses[0] == InferenceResponse(200, b"hello text/plain to", "text/x-own", "back")
    assert [response.body.split()[0] for response in responses[1:]] == [
        b"once",
        b"again",
        *(str(n).encode() for n in range(50)),
    ]


def test_a_failure_is_reported_and_the_next_request_is_answered(tmp_path: Path):
    async def ask(handler: ProgramHandler) -> list[InferenceResponse]:
        responses = [
            await handler.handle(InferenceRequest(body, "a/b")) for body in (b"fail", b"break", b"chunks", b"well")
        ]
        return [await read_all(response) for response in responses]

    fail, broken, chunks, well = run(tmp_path, SERVER, ask)
    assert (fail.status, fail.original_status, fail.body) == (424, 500, b"fail a/b ")
    assert (broken.status, b"broke off its answer" in broken.body) == (424, True)
    assert (chunks.status, chunks.body) == (200, b"abcde")
    assert well.status == 200


async def read_all(response: InferenceResponse) -> InferenceResponse:
    return replace(response, body=b"".join([chunk async for chunk in response.chunks()]))


def test_any_2xx_status_is_a_success(tmp_path: Path):
    async def ask(handler: ProgramHandler) -> InferenceResponse:
        return await handler.handle(InferenceRequest(b"created", "a/b"))

    created = run(tmp_path, SERVER, ask)
    assert (created.status, created.body) == (200, b"created")


def test_chunks_are_passed_on_as_they_arrive(tmp_path: Path):
    os.mkfifo(tmp_path / "go")

    async def ask(handler: ProgramHandler) -> list[bytes]:
        chunks = (await handler.handle(InferenceRequest(b"slowly", "a/b"))).chunks()
        first = await asyncio.wait_for(anext(chunks), 30)
        await asyncio.to_thread((tmp_path / "go").write_text, "on")
        return [first, *[part async for part in chunks]]

    assert run(tmp_path, SERVER, ask) == [b"first", b"last"]


def test_a_timeout_is_reported(tmp_path: Path):
    async def ask(handler: ProgramHandler) -> InferenceResponse:
        response = await handler.handle(InferenceRequest(b"late", "a/b", timeout_s=0.2))
        handler._signal(signal.SIGKILL)
        return response

    late = run(tmp_path, SERVER, ask)
    assert (late.status, late.body) == (424, b"serve did not answer within 0.2 s")


def test_an_exit_raises(tmp_path: Path):
    async def ask(handler: ProgramHandler) -> None:
        with pytest.raises(ModelProcessExited, match="serve has exited"):
            await handler.handle(InferenceRequest(b"die", "a/b"))
        await asyncio.wait_for(handler.wait_exited(), 30)
        with pytest.raises(ModelProcessExited, match="serve has exited"):
            await handler.handle(InferenceRequest(b"next", "a/b"))

    run(tmp_path, SERVER, ask)


def test_health(tmp_path: Path):
    async def kill(handler: ProgramHandler) -> list[bool]:
        healthy = [await handler.is_healthy()]
        await handler.close()
        return [*healthy, await handler.is_healthy()]

    assert run(tmp_path, SERVER, kill) == [True, False]


def test_a_start_that_takes_too_long(tmp_path: Path):
    async def begin() -> None:
        await program(tmp_path, "#!/bin/sh\nexec sleep 60\n").start(timeout_s=0.2)

    with pytest.raises(InferenceError, match=r"serve did not answer /ping within 0\.2 s"):
        asyncio.run(begin())


@pytest.mark.parametrize(
    ("text", "message"), [("#!/bin/sh\nexit 3\n", "exited with status 3"), ("no program", "cannot be started")]
)
def test_a_program_that_does_not_start(tmp_path: Path, text: str, message: str):
    async def never(_handler: ProgramHandler) -> None:
        raise AssertionError

    with pytest.raises(InferenceError, match=message):
        run(tmp_path, text, never)
