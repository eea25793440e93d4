"""Heads of requests that no client sends: floods, smuggling, odd targets and hosts, other protocols."""

import itertools
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import pytest

GET = b"GET / HTTP/1.1\r\nHost: x\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
SMUGGLED_REQUEST = b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    ("begin", "block"),
    [
        (GET, b"a: b\r\n" * 10_000),
        (GET + b"long: ", b"x" * 65_536),
        (GET, b"x" * 65_536),
        (b"GET /", b"a" * 65_536),
        (b"", b"x" * 65_536),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n", b"a: b\r\n" * 10_000),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nlong: ", b"x" * 65_536),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x" * 65_536),
    ],
    ids=["headers", "a value", "a name", "a target", "no head", "trailers", "a trailer", "a chunk's size"],
)
def test_floods(target: Any, begin: bytes, block: bytes) -> None:
    """The server keeps next to nothing of 256 MB."""
    before = target.memory_mb()
    flood: Iterable[bytes] = itertools.repeat(block, 2**28 // len(block))
    status, text = target.exchange(begin, more=flood)
    assert status == 0 or 400 <= status < 500, text[:300]
    assert target.memory_mb() - before < 20


@pytest.mark.parametrize(
    "data",
    [
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED_REQUEST,
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + SMUGGLED_REQUEST,
        POST + b"Content-Length: 5\r\nContent-Length: 50\r\n\r\nhello" + SMUGGLED_REQUEST,
        POST + b"Content-Length: 5, 50\r\n\r\nhello" + SMUGGLED_REQUEST,
        POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLED_REQUEST,
        POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED_REQUEST,
        POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + SMUGGLED_REQUEST,
        POST + b"Content-Length: -1\r\n\r\n" + SMUGGLED_REQUEST,
        POST + b"Content-Length: +5\r\n\r\nhello" + SMUGGLED_REQUEST,
        POST + b"Content-Length: 0x5\r\n\r\nhello" + SMUGGLED_REQUEST,
        POST + b"Content-Length: " + b"9" * 30 + b"\r\n\r\nhello" + SMUGGLED_REQUEST,
        POST + b"a: b\n c: d\r\n\r\n" + SMUGGLED_REQUEST,
        POST + b"a: b\r\r\n\r\n" + SMUGGLED_REQUEST,
        POST + b"a\0: b\r\n\r\n" + SMUGGLED_REQUEST,
        POST + b"a: b\0c\r\n\r\n" + SMUGGLED_REQUEST,
        POST + b": b\r\n\r\n" + SMUGGLED_REQUEST,
        POST + b"Content-Length: 5\r\n\r\nhello" + SMUGGLED_REQUEST,
        GET + b"Content-Length: %d\r\n\r\n" % len(SMUGGLED_REQUEST) + SMUGGLED_REQUEST,
    ],
    ids=lambda data: repr(data[len(POST) :][:40]),
)
def test_a_request_inside_another(target: Any, data: bytes) -> None:
    """The request is rejected and its connection ends: what follows is not treated as a request."""
    status, text = target.exchange(data)
    assert status == 0 or 400 <= status < 500, text[:300]
    assert "200 OK" not in text
    assert "healthy" not in text


@pytest.mark.parametrize(
    "data",
    [
        b"GET http://169.254.169.254/latest/meta-data HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET //169.254.169.254/latest HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /\xc3\xbc HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /%zz%1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: naiad.s3.amazonaws.com\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: ../../etc.s3.amazonaws.com\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: AWS4-HMAC-SHA256 Credential=/////, SignedHeaders=;;;, Signature=\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: AWS4-HMAC-SHA256 " + b"," * 30_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\0" * 1_000,
        b"\r\n" * 1_000,
    ],
    ids=lambda data: repr(data[:40]),
)  # fmt: skip
def test_heads_that_no_client_sends(target: Any, data: bytes) -> None:
    status, text = target.exchange(data)
    assert status == 0 or 400 <= status < 500, text[:300]
    assert "HTTP/1.1 101" not in text


@pytest.mark.parametrize("method", ["PATCH", "OPTIONS", "TRACE", "PROPFIND", "DELETE", "GET", "HEAD"])
def test_methods_that_an_api_does_not_have(target: Any, method: str) -> None:
    status, text = target.call(method, "/", b"", service="sagemaker")
    assert 400 <= status < 500, text


@pytest.mark.parametrize("method", ["PATCH", "OPTIONS", "TRACE", "PROPFIND", "POST"])
def test_methods_that_an_object_does_not_have(target: Any, method: str) -> None:
    status, text = target.call(method, "/naiad/secret")
    assert status in (400, 405, 501), text
    assert "classified" not in text


def test_a_target_in_absolute_form(target: Any) -> None:
    """RFC 9112: the path counts, and the signed host; nothing is fetched from another server."""
    good = target.head("GET", "/naiad/data/a.txt") + b"Connection: close\r\n\r\n"
    url = target.address.url.encode()
    assert target.exchange(good.replace(b"GET /", b"GET " + url + b"/", 1))[0] == 200
    other_host = good.replace(b"GET /naiad/data/a.txt", b"GET http://example.com/naiad/secret", 1)
    assert target.exchange(other_host)[0] == 403


def test_the_bucket_in_the_host_is_covered_by_the_signature(target: Any) -> None:
    good = target.head("GET", "/secret") + b"Connection: close\r\n\r\n"
    own = urlsplit(target.address.url).netloc.encode()
    status, text = target.exchange(good.replace(own, b"naiad.s3.amazonaws.com", 1))
    assert (status, "classified" in text) == (403, False)


def test_two_hundred_heads_without_end(target: Any) -> None:
    connections = [target.connect() for _ in range(200)]
    try:
        for connection in connections:
            connection.sendall(GET + b"a: b\r\n")
        assert target.client("sts").get_caller_identity()["Account"]
    finally:
        for connection in connections:
            connection.close()
