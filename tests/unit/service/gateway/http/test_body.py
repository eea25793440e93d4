"""Bodies are read within bounds."""

import asyncio
import hashlib

import pytest

from naiad.service.gateway.http.body import read_body
from naiad.service.gateway.http.request import Request
from naiad.service.gateway.rejection import RequestRejected


def request_of(pieces):
    messages = iter([*({"type": "http.request", "body": piece, "more_body": True} for piece in pieces)])

    async def receive():
        return next(messages, {"type": "http.request"})

    return Request("POST", "/", "", {}, receive)


def test_the_size_is_bounded():
    pieces = [b"x" * 9] * 11 + [b"x"]
    body = asyncio.run(read_body(request_of(pieces), max_bytes=100, timeout_s=10))
    assert (body.join(), body.sha256) == (b"x" * 100, hashlib.sha256(b"x" * 100).hexdigest())
    with pytest.raises(RequestRejected, match="larger than 100 bytes"):
        asyncio.run(read_body(request_of([*pieces, b"x"]), max_bytes=100, timeout_s=10))


def test_an_empty_body():
    body = asyncio.run(read_body(request_of([]), max_bytes=0, timeout_s=10))
    assert (body.join(), body.sha256) == (b"", hashlib.sha256().hexdigest())
