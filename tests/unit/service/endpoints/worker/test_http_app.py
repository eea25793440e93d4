import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeVar

import pytest

from naiad.service.endpoints.worker import http_app
from naiad.service.endpoints.worker.http_app import InvocationsApp
from naiad.service.endpoints.worker.inference import InferenceRequest, InferenceResponse, SendResponse

T = TypeVar("T")
POST = {"type": "http", "method": "POST", "path": "/invocations", "headers": []}


class Client:
    """Client of the application: its body in pieces, and the messages that it receives."""

    def __init__(self, *body: bytes) -> None:
        self._body = list(body)
        self.messages: list[MutableMapping[str, Any]] = []

    async def receive(self) -> MutableMapping[str, Any]:
        piece = self._body.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(self._body)}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.messages.append(message)

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.messages[0]["headers"])

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.messages[1:])


def echo(request: InferenceRequest, send: SendResponse) -> None:
    if request.body == b"stream":
        send(InferenceResponse(200, iter([b"a", b"b"]), "text/plain"))
    else:
        send(InferenceResponse(200, request.body, request.content_type, request.custom_attributes))


def invoke(*body: bytes, scope: dict[str, Any] = POST) -> Client:
    async def run() -> Client:
        client = Client(*body)
        await InvocationsApp(echo, asyncio.get_running_loop())(scope, client.receive, client.send)
        return client

    return asyncio.run(run())


def test_headers_are_passed_on():
    headers = [(b"content-type", b"t/t"), (b"x-amzn-sagemaker-custom-attributes", b"x")]
    client = invoke(b"hello", scope={**POST, "headers": headers})
    assert (client.status, client.body) == (200, b"hello")
    assert client.headers == {
        b"content-type": b"t/t",
        b"x-amzn-sagemaker-custom-attributes": b"x",
        b"content-length": b"5",
    }


def test_a_stream_is_sent_chunk_by_chunk():
    client = invoke(b"stream")
    assert [message["body"] for message in client.messages[1:]] == [b"a", b"b", b""]


def test_a_body_in_pieces_and_one_that_is_too_large():
    assert invoke(b"one", b"two").body == b"onetwo"
    assert invoke(b"x" * http_app.MAX_BODY_BYTES, b"x").status == 413


def test_only_ping_and_invocations_are_served():
    assert invoke(b"", scope={**POST, "method": "GET", "path": "/ping"}).status == 200
    assert invoke(b"", scope={**POST, "path": "/other"}).status == 404


def test_requests_above_the_limit_are_refused_and_all_are_counted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http_app, "_MIN_LIMIT", 2)
    monkeypatch.setattr(http_app, "_REPORT_INTERVAL_S", 0.001)
    held: list[SendResponse] = []
    rows: list[tuple[int, int, float]] = []

    async def run(app: InvocationsApp) -> tuple[Client, list[Client]]:
        clients = [Client(b"0"), Client(b"1")]
        tasks = [asyncio.create_task(app(POST, client.receive, client.send)) for client in clients]
        await until(lambda: len(held) == 2)
        refused = Client(b"2")
        await app(POST, refused.receive, refused.send)
        for send in held:
            send(InferenceResponse(200, b"", "text/plain\r\nx: y"))
        await asyncio.gather(*tasks)
        await until(lambda: sum(count for _, count, _ in rows) == 3)
        return refused, clients

    refused, answered = with_app(run, lambda _, send: held.append(send), rows)
    assert (refused.status, refused.headers[b"retry-after"]) == (503, b"1")
    assert {client.headers[b"content-type"] for client in answered} == {b"text/plain  x: y"}
    assert sorted((status, count) for status, count, _ in rows) in (
        [(200, 2), (503, 1)],
        [(200, 1), (200, 1), (503, 1)],
    )


def with_app(
    act: Callable[[InvocationsApp], Awaitable[T]],
    dispatch: Callable[[InferenceRequest, SendResponse], None],
    rows: list[tuple[int, int, float]],
) -> T:
    async def run() -> T:
        loop = asyncio.get_running_loop()
        return await act(InvocationsApp(dispatch, loop, max_batch_size=0, report_counts=rows.extend))

    return asyncio.run(run())


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.001)


def ask(method: str, path: str, *headers: tuple[bytes, bytes], token: str | None = "secret") -> Client:
    digest = None if token is None else hashlib.sha256(token.encode()).hexdigest()

    async def run() -> Client:
        client, scope = Client(b"hi"), {"type": "http", "method": method, "path": path, "headers": list(headers)}
        app = InvocationsApp(echo, asyncio.get_running_loop(), token_sha256=digest)
        await app(scope, client.receive, client.send)
        return client

    return asyncio.run(run())


@pytest.mark.parametrize(
    "value", [b"", b"Bearer", b"Bearer x", b"Basic secret", b"secret", b"Bearer secret x", b"Bearer \xff"]
)
def test_invocations_need_the_token(value: bytes):
    headers = [(b"authorization", value)] if value else []
    client = ask("POST", "/invocations", *headers)
    assert client.status == 401
    assert b"Authorization: Bearer" in client.body
    assert ask("GET", "/ping", *headers).status == 200


def test_invocations_with_the_token():
    for value in (b"Bearer secret", b"bearer  secret "):
        assert ask("POST", "/invocations", (b"authorization", value)).body == b"hi"


@pytest.mark.parametrize(
    "header",
    [
        (b"host", b"evil.test:9000"),
        (b"origin", b"http://evil.test"),
        (b"origin", b"null"),
        (b"sec-fetch-site", b"cross-site"),
    ],
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/invocations"), ("GET", "/ping"), ("GET", "/other")])
def test_pages_of_other_sites_are_refused(method: str, path: str, header: tuple[bytes, bytes]):
    host = [] if header[0] == b"host" else [(b"host", b"127.0.0.1:9000")]
    client = ask(method, path, header, *host, (b"authorization", b"Bearer secret"))
    assert client.status == 403
    assert client.body != b"hi"
