"""An HTTP request as it arrived: nothing in it is trusted yet."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
_MAX_DIGITS = 24
"""Enough to say that a body is too large; Python refuses to read thousands of digits."""


async def _receive_nothing() -> Message:
    return {"type": "http.request"}


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    """Percent-encoded, as sent."""
    query_string: str
    """Percent-encoded, as sent, without the question mark."""
    headers: Mapping[str, str]
    """Names in lower case. The values of a header that came more than once are joined by commas."""
    receive: Receive = _receive_nothing
    """ASGI's messages: the body, then the client's end of the connection."""
    id: str = ""
    """The id of this request in logs and in the response."""

    @classmethod
    def from_asgi(cls, scope: Scope, receive: Receive, request_id: str) -> "Request":
        headers: dict[str, str] = {}
        repeated: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            key, text = name.decode("latin-1").lower(), value.decode("latin-1")
            if key in headers:
                repeated.setdefault(key, [headers[key]]).append(text)
            else:
                headers[key] = text
        for key, texts in repeated.items():
            headers[key] = ",".join(texts)
        path = scope.get("raw_path") or scope["path"].encode()
        query = scope["query_string"].decode("latin-1")
        return cls(scope["method"], path.partition(b"?")[0].decode("latin-1"), query, headers, receive, request_id)

    @cached_property
    def query_pairs(self) -> tuple[tuple[str, str], ...]:
        """Names and values of the query, decoded, in order; ``?acl`` gives ("acl", "")."""
        pairs = [part.partition("=") for part in self.query_string.split("&") if part]
        return tuple((unquote(name), unquote(value)) for name, _, value in pairs)

    @cached_property
    def query_params(self) -> dict[str, str]:
        """The query by name; the first value of each."""
        return dict(reversed(self.query_pairs))

    def header(self, name: str) -> str:
        """Returns "" where the header is missing."""
        return self.headers.get(name, "")

    @property
    def content_length(self) -> int | None:
        """The length that the header declares; None where it declares none."""
        declared = self.headers.get("content-length", "")
        return int(declared[:_MAX_DIGITS]) if declared.isdecimal() else None
