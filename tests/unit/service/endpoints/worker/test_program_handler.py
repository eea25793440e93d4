"""Real programs on loopback: in Python, and one that only says no."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from naiad.service.endpoints.worker.inference import Answer, Gone, Invocation, Unfit
from naiad.service.endpoints.worker.program_handler import ProgramHandler

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


def program(folder: Path, text: str) -> ProgramHandler:
    path = folder / "serve"
    path.write_text(text)
    path.chmod(0o755)
    return ProgramHandler(path, {"PATH": "/usr/bin:/bin"})


def run(folder: Path, text: str, then: Callable[[ProgramHandler], Awaitable[T]]) -> T:
    async def whole() -> T:
        handler = program(folder, text)
        try:
            await handler.start()
            return await then(handler)
        finally:
            await handler.close()

    return asyncio.run(whole())


def test_it_is_asked_and_answers(tmp_path: Path):
    async def ask(handler: ProgramHandler) -> list[Answer]:
        words = [
            Invocation(b"hello", "text/plain", custom_attributes="to"),
            Invocation(b"once", "a/b"),
            Invocation(b"again", "a/b"),
        ]
        answers = [await handler.answer(one) for one in words]
        return [
            *answers,
            *(await asyncio.gather(*(handler.answer(Invocation(str(n).encode(), "n/n")) for n in range(50)))),
        ]

    answers = run(tmp_path, SERVER, ask)
    assert answers[0] == Answer(200, b"hello text/plain to", "text/x-own", "back")
    assert [answer.body.split()[0] for answer in answers[1:]] == [
        b"once",
        b"again",
        *(str(n).encode() for n in range(50)),
    ]


def test_what_fails_is_told_and_the_next_is_answered(tmp_path: Path):
    async def ask(handler: ProgramHandler) -> list[Answer]:
        answers = [await handler.answer(Invocation(body, "a/b")) for body in (b"fail", b"break", b"chunks", b"well")]
        return [await gathered(answer) for answer in answers]

    fail, broken, chunks, well = run(tmp_path, SERVER, ask)
    assert (fail.status, fail.original_status, fail.body) == (424, 500, b"fail a/b ")
    assert (broken.status, b"broke off its answer" in broken.body) == (424, True)
    assert (chunks.status, chunks.body) == (200, b"abcde")
    assert well.status == 200


async def gathered(answer: Answer) -> Answer:
    return (
        answer if isinstance(answer.body, bytes) else replace(answer, body=b"".join([p async for p in answer.parts()]))
    )


def test_any_2xx_is_a_success(tmp_path: Path):
    async def ask(handler: ProgramHandler) -> Answer:
        return await handler.answer(Invocation(b"created", "a/b"))

    created = run(tmp_path, SERVER, ask)
    assert (created.status, created.body) == (200, b"created")


def test_parts_are_passed_on_as_they_come(tmp_path: Path):
    os.mkfifo(tmp_path / "go")

    async def ask(handler: ProgramHandler) -> list[bytes]:
        parts = (await handler.answer(Invocation(b"slowly", "a/b"))).parts()
        first = await asyncio.wait_for(anext(parts), 30)
        await asyncio.to_thread((tmp_path / "go").write_text, "on")
        return [first, *[part async for part in parts]]

    assert run(tmp_path, SERVER, ask) == [b"first", b"last"]


def test_one_that_is_late_is_told(tmp_path: Path):
    async def ask(handler: ProgramHandler) -> Answer:
        found = await handler.answer(Invocation(b"late", "a/b", timeout_s=0.2))
        handler._signal(signal.SIGKILL)
        return found

    late = run(tmp_path, SERVER, ask)
    assert (late.status, late.body) == (424, b"serve did not answer within 0.2 s")


def test_what_it_had_when_it_died_is_not_answered(tmp_path: Path):
    async def ask(handler: ProgramHandler) -> None:
        with pytest.raises(Gone, match="serve has ended"):
            await handler.answer(Invocation(b"die", "a/b"))
        await asyncio.wait_for(handler.ended(), 30)
        with pytest.raises(Gone, match="serve has ended"):
            await handler.answer(Invocation(b"next", "a/b"))

    run(tmp_path, SERVER, ask)


def test_its_health(tmp_path: Path):
    async def kill(handler: ProgramHandler) -> list[bool]:
        healthy = [await handler.is_healthy()]
        await handler.close()
        return [*healthy, await handler.is_healthy()]

    assert run(tmp_path, SERVER, kill) == [True, False]


def test_one_that_takes_longer_to_start_than_is_allowed(tmp_path: Path):
    async def begin() -> None:
        handler = program(tmp_path, "#!/bin/sh\nexec sleep 60\n")
        try:
            await handler.start(within_s=0.2)
        finally:
            await handler.close()

    with pytest.raises(Unfit, match=r"serve did not answer /ping within 0\.2 s"):
        asyncio.run(begin())


@pytest.mark.parametrize(
    ("text", "said"), [("#!/bin/sh\nexit 3\n", "ended with status 3"), ("no program", "cannot be started")]
)
def test_one_that_does_not_start(tmp_path: Path, text: str, said: str):
    async def never(_handler: ProgramHandler) -> None:
        raise AssertionError

    with pytest.raises(Unfit, match=said):
        run(tmp_path, text, never)
