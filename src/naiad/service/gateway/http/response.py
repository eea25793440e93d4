"""An HTTP response, and how ASGI sends it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, replace
from typing import Any

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_BODYLESS_STATUSES = (204, 304)


@dataclass(frozen=True)
class Response:
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes | AsyncIterator[bytes] = b""

    def with_headers(self, headers: Mapping[str, str]) -> "Response":
        """Returns the response with further headers; they replace those of the same name."""
        return replace(self, headers={**self.headers, **headers})


async def iterate(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    """Yields the pieces of a body."""
    for piece in pieces:
        yield piece


async def send_response(response: Response, send: Send, *, without_body: bool) -> None:
    """``without_body``: sends the headers only, as for HEAD."""
    headers = dict(response.headers)
    if (
        isinstance(response.body, bytes)
        and "content-length" not in headers
        and response.status not in _BODYLESS_STATUSES
    ):
        headers["content-length"] = str(len(response.body))
    encoded = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": encoded})
    if isinstance(response.body, bytes):
        await send({"type": "http.response.body", "body": b"" if without_body else response.body})
        return
    async for chunk in response.body:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
