"""ASGI application of a replica's own port: POST /invocations with the endpoint's token, and GET /ping.

Pages of other sites in a browser are refused.
"""

import asyncio
import contextlib
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from naiad.service.contract.web_origin import foreign_page
from naiad.service.endpoints.frames import replace_control_characters
from naiad.service.endpoints.request_rate import RequestRate
from naiad.service.endpoints.worker.inference import (
    Dispatch,
    InferenceRequest,
    InferenceResponse,
    SendResponse,
    error_response,
)

MAX_BODY_BYTES = 25 * 2**20
_MIN_LIMIT, _MAX_LIMIT = 16, 1024
"""Bounds of the number of requests that may be open at once."""
_REPORT_INTERVAL_S = 1.0
_MAX_STALL_S = 60.0
"""After so long without reading, the client of a stream is taken to have gone."""
_CUSTOM_ATTRIBUTES = b"x-amzn-sagemaker-custom-attributes"
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class InvocationsApp:
    """Passes requests to the worker's handler, and refuses what would wait for more than about a second with 503."""

    def __init__(
        self,
        dispatch: Dispatch,
        loop: asyncio.AbstractEventLoop,
        *,
        max_batch_size: int = 1,
        token_sha256: str | None = None,
        report_counts: Callable[[list[tuple[int, int, float]]], None] = lambda _rows: None,
    ) -> None:
        """token_sha256: the hash of the token that invocations name, in hex; None: they need none.

        report_counts: called about once a second with rows of (status, count, seconds in total).
        """
        self._dispatch, self._loop, self._report_counts = dispatch, loop, report_counts
        self._token_sha256 = token_sha256
        self._min_limit = max(_MIN_LIMIT, 4 * max_batch_size)
        self._rate = RequestRate()
        self._counts: dict[int, tuple[int, float]] = {}
        self.is_closing = False
        """While set, each response ends its connection, so that the next request goes to another replica."""
        self._in_flight = 0

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = dict(scope["headers"])
        if (reason := _foreign_page(headers)) is not None:
            await self._send(send, error_response(403, f"{reason}\n"))
            return
        match (scope["method"], scope["path"]):
            case ("POST", "/invocations") if not self._has_token(headers):
                await self._refuse(send, 401, "give the endpoint's token: Authorization: Bearer TOKEN\n")
            case ("POST", "/invocations"):
                await self._invoke(scope, receive, send)
            case ("GET", "/ping"):
                await self._send(send, InferenceResponse(200, b"", "text/plain"))
            case _:
                await self._send(send, error_response(404, "POST /invocations and GET /ping are served here\n"))

    async def _invoke(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        body = await _read_body(receive)
        started_at = self._loop.time()
        if body is None:
            await self._refuse(send, 413, f"a body has at most {MAX_BODY_BYTES:,} bytes\n")
            return
        if self._in_flight >= self._limit(started_at):
            await self._refuse(send, 503, f"{self._in_flight} invocations wait already\n")
            return
        self._in_flight += 1
        sent: asyncio.Future[None] = self._loop.create_future()
        try:
            response = await self._response(_parse_request(scope, body), sent)
            self._rate.record(self._loop.time())
            await self._send(send, response)
            self._count(response.status, self._loop.time() - started_at)
        finally:
            self._in_flight -= 1
            if not sent.done():
                sent.set_result(None)

    def _has_token(self, headers: Mapping[bytes, bytes]) -> bool:
        if self._token_sha256 is None:
            return True
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        digest = hashlib.sha256(token.strip()).hexdigest()
        return scheme.lower() == b"bearer" and hmac.compare_digest(digest, self._token_sha256)

    async def _refuse(self, send: Send, status: int, message: str) -> None:
        self._count(status, 0.0)
        await self._send(send, error_response(status, message))

    def _limit(self, now: float) -> int:
        """Returns how many requests may be open: about a second's work by the rate of the last seconds."""
        return max(self._min_limit, min(_MAX_LIMIT, round(self._rate.per_second(now))))

    async def _response(self, request: InferenceRequest, sent: "asyncio.Future[None]") -> InferenceResponse:
        """sent: becomes done when the response has been sent, or its client has gone."""
        response: asyncio.Future[InferenceResponse] = self._loop.create_future()
        self._dispatch(request, _send_once(response, sent))
        return await response

    def _count(self, status: int, seconds: float) -> None:
        if not self._counts:
            self._loop.call_later(_REPORT_INTERVAL_S, self._report)
        count, total = self._counts.get(status, (0, 0.0))
        self._counts[status] = (count + 1, total + seconds)

    def _report(self) -> None:
        counts, self._counts = self._counts, {}
        self._report_counts([(status, count, round(seconds, 6)) for status, (count, seconds) in counts.items()])

    async def _send(self, send: Send, response: InferenceResponse) -> None:
        headers = [(b"content-type", _encode_header(response.content_type))]
        if response.custom_attributes:
            headers.append((_CUSTOM_ATTRIBUTES, _encode_header(response.custom_attributes)))
        if response.status == 503:
            headers.append((b"retry-after", b"1"))
        if self.is_closing:
            headers.append((b"connection", b"close"))
        status = response.status if response.original_status is None else response.original_status
        if isinstance(response.body, bytes):
            headers.append((b"content-length", str(len(response.body)).encode()))
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": response.body})
            return
        await send({"type": "http.response.start", "status": status, "headers": headers})
        async with contextlib.aclosing(response.chunks()) as chunks:
            async for chunk in chunks:
                async with asyncio.timeout(_MAX_STALL_S):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def _foreign_page(headers: Mapping[bytes, bytes]) -> str | None:
    """Returns why a request comes from another site's page; None where it does not."""
    texts = (headers.get(name, b"").decode("latin-1") for name in (b"host", b"origin", b"sec-fetch-site"))
    host, origin, fetch_site = texts
    return foreign_page(host, origin, fetch_site, names=())


def _parse_request(scope: MutableMapping[str, Any], body: bytes) -> InferenceRequest:
    content_type = accept = custom_attributes = ""
    for name, value in scope["headers"]:
        if name == b"content-type":
            content_type = value.decode("latin-1")
        elif name == b"accept":
            accept = value.decode("latin-1")
        elif name == _CUSTOM_ATTRIBUTES:
            custom_attributes = value.decode("latin-1")
    return InferenceRequest(body, content_type, accept, custom_attributes)


def _send_once(response: "asyncio.Future[InferenceResponse]", sent: "asyncio.Future[None]") -> SendResponse:
    def send(value: InferenceResponse) -> Awaitable[None] | None:
        if response.done():
            return None
        response.set_result(value)
        return None if isinstance(value.body, bytes) else sent

    return send


def _encode_header(text: str) -> bytes:
    return replace_control_characters(text).encode("latin-1", "replace")


async def _read_body(receive: Receive) -> bytes | None:
    """Returns None when the body is larger than MAX_BODY_BYTES."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return body if len(body) <= MAX_BODY_BYTES else None
    pieces, size = [body], len(body)
    while message.get("more_body", False):
        message = await receive()
        size += len(message.get("body", b""))
        if size > MAX_BODY_BYTES:
            return None
        pieces.append(message.get("body", b""))
    return b"".join(pieces)
