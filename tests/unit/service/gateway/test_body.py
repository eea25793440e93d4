"""Bodies: bounded, checked, and taken out of aws-chunked, whole or cut anywhere."""

import asyncio
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naiad.service.gateway.body import checked, read_all
from naiad.service.gateway.refusal import Refused
from naiad.service.gateway.sigv4 import UNSIGNED, Signed

KEY, SCOPE, DATE = b"k" * 32, "20300101/us-east-1/s3/aws4_request", "20300101T000000Z"
EMPTY = hashlib.sha256().hexdigest()


async def parts(data: bytes, size: int):
    for start in range(0, len(data), size):
        yield data[start : start + size]


def read(data: bytes, signed: Signed, size: int = 7):
    trailers = {}

    async def all_of_it():
        return b"".join([part async for part in checked(parts(data, size), signed, trailers)])

    return asyncio.run(all_of_it()), trailers


def signed(payload: str) -> Signed:
    return Signed("AKIA", "s3", payload, "seed", SCOPE, DATE, KEY)


def chunks(contents: list[bytes], trailers: dict[str, str] | None = None, *, payload: str) -> bytes:
    """As a client signs them."""
    out, before = b"", "seed"
    for content in [*contents, b""]:
        text = f"AWS4-HMAC-SHA256-PAYLOAD\n{DATE}\n{SCOPE}\n{before}\n{EMPTY}\n{hashlib.sha256(content).hexdigest()}"
        before = hmac.new(KEY, text.encode(), hashlib.sha256).hexdigest()
        mark = f";chunk-signature={before}" if "HMAC" in payload else ""
        out += f"{len(content):x}{mark}\r\n".encode() + content + (b"\r\n" if content else b"")
    lines = "".join(f"{name}:{value}\n" for name, value in (trailers or {}).items())
    out += lines.replace("\n", "\r\n").encode()
    if trailers and "HMAC" in payload:
        text = f"AWS4-HMAC-SHA256-TRAILER\n{DATE}\n{SCOPE}\n{before}\n{hashlib.sha256(lines.encode()).hexdigest()}"
        out += f"x-amz-trailer-signature:{hmac.new(KEY, text.encode(), hashlib.sha256).hexdigest()}\r\n".encode()
    return out + b"\r\n"


PAYLOADS = [
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
]


@pytest.mark.parametrize("payload", PAYLOADS)
@given(contents=st.lists(st.binary(min_size=1, max_size=60), max_size=4), size=st.integers(1, 50))
def test_chunks_give_their_content(payload, contents, size):
    trailers = {"x-amz-checksum-crc32": "AAAAAA=="} if payload.endswith("TRAILER") else {}
    assert read(chunks(contents, trailers, payload=payload), signed(payload), size) == (b"".join(contents), trailers)


@pytest.mark.parametrize("payload", PAYLOADS[:2])
def test_a_changed_chunk_is_refused(payload):
    data = chunks([b"hello world"], {"x-amz-checksum-crc32": "A"} if "TRAILER" in payload else {}, payload=payload)
    with pytest.raises(Refused, match="signature does not match"):
        read(data.replace(b"world", b"wOrld"), signed(payload))


def test_a_changed_trailer_is_refused():
    payload = PAYLOADS[1]
    data = chunks([b"hello"], {"x-amz-checksum-crc32": "AAAA"}, payload=payload)
    with pytest.raises(Refused):
        read(data.replace(b"AAAA", b"BBBB"), signed(payload))


@given(st.binary(max_size=200))
def test_anything_else_is_refused_or_read_but_never_hangs(data):
    try:
        read(data, signed(PAYLOADS[2]))
    except Refused:
        return


@pytest.mark.parametrize(
    "data",
    [
        b"5\r\nhel",
        b"zz\r\n",
        b"-5\r\n",
        b"fffffffff\r\n",
        b"7fffffffffffffff\r\n",
        b"+1\r\na\r\n0\r\n\r\n",
        b"0x1\r\na\r\n0\r\n\r\n",
        b"0_1\r\na\r\n0\r\n\r\n",
        b" 1\r\na\r\n0\r\n\r\n",
        b"\r\n",
        b"a" * 9000,
        b"3\r\nabcdef\r\n0\r\n\r\n",
    ],
)
def test_broken_chunks(data):
    with pytest.raises(Refused):
        read(data, signed(PAYLOADS[2]), 4096)


def test_a_plain_body_is_checked_against_its_digest():
    digest = hashlib.sha256(b"hello").hexdigest()
    assert read(b"hello", signed(digest))[0] == b"hello"
    assert read(b"hello", signed(UNSIGNED))[0] == b"hello"
    with pytest.raises(Refused, match="not the one that was signed"):
        read(b"hullo", signed(digest))


def test_a_bound_is_kept():
    assert asyncio.run(read_all(parts(b"x" * 100, 9), 100)) == b"x" * 100
    with pytest.raises(Refused, match="larger than 100 bytes"):
        asyncio.run(read_all(parts(b"x" * 101, 9), 100))


@pytest.mark.parametrize("said", ["4", "6", "", "-5", "05", "9" * 5_000])
def test_a_length_that_was_said(said):
    async def all_of_it():
        content = checked(parts(b"5\r\nhello\r\n0\r\n\r\n", 3), signed(PAYLOADS[2]), {}, said_length=said)
        return b"".join([part async for part in content])

    if said == "":
        assert asyncio.run(all_of_it()) == b"hello"
        return
    with pytest.raises(Refused, match="the content has 5 bytes") as caught:
        asyncio.run(all_of_it())
    assert caught.value.kind == "incomplete"


def test_the_smallest_chunks_take_no_time():
    """Chunks of one byte in one large part: linear, or minutes."""
    data = b"1\r\nx\r\n" * 2**17 + b"0\r\n\r\n"
    assert read(data, signed(PAYLOADS[2]), len(data))[0] == b"x" * 2**17


def test_a_long_line_is_refused_however_it_comes():
    data = b"1\r\nx\r\n0\r\na:" + b"b" * 9_000 + b"\r\n\r\n"
    for size in (100, len(data)):
        with pytest.raises(Refused, match="too long"):
            read(data, signed(PAYLOADS[2]), size)
