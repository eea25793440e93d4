"""The gateway as an ASGI application: an ordered chain from a connection's bytes to an answer.

request id → limits → who signed → which service → S3's door, or the API's dispatcher → answer
"""

import asyncio
import hashlib
import itertools
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from naiad.service.domain.errors import Denied, ServiceError
from naiad.service.gateway.answers import failed
from naiad.service.gateway.body import checked, read_all
from naiad.service.gateway.dispatch import changes_something, dispatch
from naiad.service.gateway.errors import code_of
from naiad.service.gateway.invocations import MOST_BYTES, InvocationDoor
from naiad.service.gateway.operation import Context
from naiad.service.gateway.prometheus import CONTENT_TYPE, exposition
from naiad.service.gateway.raw import RawRequest
from naiad.service.gateway.refusal import Refused
from naiad.service.gateway.replay import Seen
from naiad.service.gateway.request import Principal, Request, Response
from naiad.service.gateway.route import Route, route
from naiad.service.gateway.s3.door import S3Door
from naiad.service.gateway.s3.errors import S3Error, answer
from naiad.service.gateway.sigv4 import Signed, check_claim, service_of, verify
from naiad.service.gateway.virtual_host import path_style
from naiad.service.keys import Keys

_LOG = logging.getLogger(__name__)
_MOST_API_BYTES = 4 * 2**20
_MOST_S3_BYTES = 5 * 2**30 + 64 * 2**20
"""S3's own limit for one put, and the framing of its chunks."""
_MOST_HEADERS = 128
_MOST_HEADER_BYTES = 32 * 1024
_SMALL_BYTES = 64 * 1024
"""A body of which so much is read before anybody has been asked who he is."""
_PROCESS = secrets.token_hex(8)
"""Begins the ids of this server's requests."""
_EMPTY_DIGEST = hashlib.sha256().hexdigest()

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


@dataclass
class Gateway:
    """context: its principal is replaced by the one who signs."""

    context: Context
    keys: Keys
    door: S3Door
    invocations: InvocationDoor
    upload_timeout_s: float = 60.0
    """After so long without a byte of a body that is being sent, the request is refused and the connection closed."""
    is_open: bool = False
    """Whether GET /metrics is answered without a signature: on loopback, where nobody else hears it."""
    _count: "itertools.count[int]" = field(default_factory=itertools.count)
    _seen: Seen = field(default_factory=Seen)
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(16, "naiad-api"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request_id = f"{_PROCESS}{next(self._count):016x}"
        raw = _raw(scope)
        response = await self._answered(raw, receive, request_id)
        await _send(response, send, without_body=raw.method == "HEAD")

    def close(self) -> None:
        self.door.close()
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def _answered(self, raw: RawRequest, receive: Receive, request_id: str) -> Response:
        if (raw.method, raw.path) == ("GET", "/ping"):
            return Response(200, {"content-type": "text/plain", "x-amzn-requestid": request_id}, b"healthy\n")
        if (raw.method, raw.path) == ("GET", "/metrics") and self.is_open:
            text = exposition(self.invocations.endpoints)
            return Response(200, {"content-type": CONTENT_TYPE, "x-amzn-requestid": request_id}, text)
        scope = service_of(raw)
        try:
            return await self._served(raw, receive, scope, request_id)
        except ServiceError as error:
            return _refused(raw, scope, error, request_id)
        except Exception:  # noqa: BLE001  # reason: the process's edge: told once, with the id that the client has too
            _LOG.exception("request %s: %s %s failed", request_id, raw.method, raw.path[:200])
            return _refused(
                raw, scope, ServiceError(f"an internal error; the server's log has request {request_id}"), request_id
            )

    async def _served(self, raw: RawRequest, receive: Receive, scope: str, request_id: str) -> Response:
        most_bytes = _most_bytes(raw, scope)
        declared = _check_limits(raw, most_bytes)
        if not scope:
            raise Refused("missing", "the request is not signed")
        if scope == "s3":
            signed = self._verified(raw, _EMPTY_DIGEST)
            if raw.method not in ("GET", "HEAD"):
                self._seen.check(signed, self.context.clock.now())
            body = _body(receive, self.upload_timeout_s)
            return await self.door.handle(self._s3_request(raw, signed, body, request_id))
        if declared is None or declared > _SMALL_BYTES:
            check_claim(raw, self._secret_of, self.context.clock.now())
        content = await self._whole(receive, most_bytes)
        digest = hashlib.sha256(content).hexdigest()
        signed = self._verified(raw, digest)
        if signed.payload != digest:
            raise Refused("digest", "the body is not the one that was signed")
        goal = route(raw, scope)
        if goal.protocol == "form" and not content:
            content = raw.query_string.encode()  # as a presigned URL has it
        if changes_something(goal, content):
            self._seen.check(signed, self.context.clock.now())
        if goal.service == "sagemaker-runtime":
            self._check_may_invoke(signed)
            return await self.invocations.handle(goal, raw, content, request_id, receive)
        context = replace(self.context, principal=self._principal(signed))
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, dispatch, context, goal, content, request_id)

    def _check_may_invoke(self, signed: Signed) -> None:
        if self.keys.find(signed.access_key) is None:
            raise Denied("the key of a job may not invoke endpoints")

    async def _whole(self, receive: Receive, most_bytes: int) -> bytes:
        """Nobody's yet, so that it has to come as a whole in time, not by the byte. Raises Refused."""
        try:
            async with asyncio.timeout(self.upload_timeout_s):
                return await read_all(_body(receive, None), most_bytes)
        except TimeoutError:
            raise Refused("idle", f"the body did not come within {self.upload_timeout_s:g} s; send it again") from None

    def _s3_request(self, raw: RawRequest, signed: Signed, body: AsyncIterator[bytes], request_id: str) -> Request:
        trailers: dict[str, str] = {}
        content = checked(body, signed, trailers, said_length=raw.header("x-amz-decoded-content-length"))
        principal = self._principal(signed)
        return Request(raw.method, path_style(raw), raw.query, raw.headers, principal, content, request_id, trailers)

    def _verified(self, raw: RawRequest, digest: str) -> Signed:
        return verify(raw, self._secret_of, self.context.clock.now(), body_digest=digest)

    def _secret_of(self, access_key: str) -> str | None:
        key = self.keys.find(access_key)
        if key is not None:
            return key.secret_key
        job = self.context.store.by_access_key(access_key)
        return job.secret_key if job is not None else None

    def _principal(self, signed: Signed) -> Principal:
        key = self.keys.find(signed.access_key)
        if key is not None:
            return Principal(signed.access_key, key.name)
        job = self.context.store.by_access_key(signed.access_key)
        if job is None:
            raise Denied("the key was revoked, or its job has ended")
        return Principal(signed.access_key, job.name, job)


def _raw(scope: Scope) -> RawRequest:
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        text = name.decode("latin-1").lower()
        headers[text] = f"{headers[text]},{value.decode('latin-1')}" if text in headers else value.decode("latin-1")
    path = scope.get("raw_path") or scope["path"].encode()
    return RawRequest(
        scope["method"], path.partition(b"?")[0].decode("latin-1"), scope["query_string"].decode("latin-1"), headers
    )


async def _body(receive: Receive, timeout_s: float | None) -> AsyncIterator[bytes]:
    """Raises Refused when the client goes away or falls silent in the middle, so that half a body is never taken for a whole.

    timeout_s: of each part; None where the whole has one.
    """
    while True:
        try:
            if timeout_s is None:
                message = await receive()
            else:
                async with asyncio.timeout(timeout_s):
                    message = await receive()
        except TimeoutError:
            raise Refused("idle", f"no byte of the body came for {timeout_s:g} s; send it again") from None
        if message["type"] == "http.disconnect":
            raise Refused("digest", "the client closed the connection before the body's end")
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body", False):
            return


def _most_bytes(raw: RawRequest, scope: str) -> int:
    if scope == "s3":
        return _MOST_S3_BYTES
    return MOST_BYTES if raw.path.startswith("/endpoints/") else _MOST_API_BYTES


def _check_limits(raw: RawRequest, most_bytes: int) -> int | None:
    """The length that is declared; None where none is."""
    size = sum(len(name) + len(value) for name, value in raw.headers.items())
    if len(raw.headers) > _MOST_HEADERS or size > _MOST_HEADER_BYTES:
        raise Refused("too large", "the headers are too many or too long")
    declared = raw.header("content-length")
    length = int(declared[:24]) if declared.isdecimal() else None
    if length is not None and length > most_bytes:
        raise Refused("too large", f"a body of {declared} bytes is larger than the {most_bytes:,} allowed here")
    return length


def _refused(raw: RawRequest, scope: str, error: ServiceError, request_id: str) -> Response:
    """In the shape of the service that was meant, as far as that can be told. The connection ends: the body may be unread."""
    if scope == "s3" or (not scope and not raw.header("x-amz-target") and raw.method != "POST"):
        nobody = Request(raw.method, raw.path, (), raw.headers, Principal("", ""), _nothing(), request_id)
        code, status = code_of("s3", error)
        response = answer(S3Error(code, status, str(error)), nobody)
        headers = {"x-amz-request-id": request_id, **response.headers}
        response = Response(status, headers, response.body)
    else:
        try:
            goal = route(raw, scope)
        except ServiceError:
            goal = Route("sagemaker", "json")
        response = failed(goal, error, request_id)
    return Response(response.status, {**response.headers, "connection": "close"}, response.body)


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


async def _send(response: Response, send: Send, *, without_body: bool) -> None:
    headers = dict(response.headers)
    if isinstance(response.body, bytes) and "content-length" not in headers and response.status not in (204, 304):
        headers["content-length"] = str(len(response.body))
    coded = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": coded})
    if isinstance(response.body, bytes):
        await send({"type": "http.response.body", "body": b"" if without_body else response.body})
        return
    async for part in response.body:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
