"""The aws-chunked encoding, whole or cut anywhere."""

import asyncio
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naiad.service.gateway.rejection import RequestRejected
from naiad.service.gateway.signing.aws_chunked import decode_chunks
from naiad.service.gateway.signing.signature import VerifiedSignature

KEY, SCOPE, DATE = b"k" * 32, "20300101/us-east-1/s3/aws4_request", "20300101T000000Z"
EMPTY_HASH = hashlib.sha256().hexdigest()
PAYLOADS = [
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
]


async def cut(data: bytes, size: int):
    for start in range(0, len(data), size):
        yield data[start : start + size]


def decode(data: bytes, payload: str, size: int = 7) -> tuple[bytes, dict[str, str]]:
    """Returns (the content, the trailers) of a body that arrives in pieces of ``size`` bytes."""
    trailers: dict[str, str] = {}
    signature = VerifiedSignature("AKIA", "s3", payload, "seed", SCOPE, DATE, KEY)

    async def read_all():
        return b"".join([piece async for piece in decode_chunks(cut(data, size), signature, trailers)])

    return asyncio.run(read_all()), trailers


def encode(contents: list[bytes], trailers: dict[str, str] | None = None, *, payload: str) -> bytes:
    """Encodes and signs as a client does."""
    out, previous = b"", "seed"
    for content in [*contents, b""]:
        digest = hashlib.sha256(content).hexdigest()
        text = f"AWS4-HMAC-SHA256-PAYLOAD\n{DATE}\n{SCOPE}\n{previous}\n{EMPTY_HASH}\n{digest}"
        previous = hmac.new(KEY, text.encode(), hashlib.sha256).hexdigest()
        extension = f";chunk-signature={previous}" if "HMAC" in payload else ""
        out += f"{len(content):x}{extension}\r\n".encode() + content + (b"\r\n" if content else b"")
    lines = "".join(f"{name}:{value}\n" for name, value in (trailers or {}).items())
    out += lines.replace("\n", "\r\n").encode()
    if trailers and "HMAC" in payload:
        digest = hashlib.sha256(lines.encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256-TRAILER\n{DATE}\n{SCOPE}\n{previous}\n{digest}"
        out += f"x-amz-trailer-signature:{hmac.new(KEY, text.encode(), hashlib.sha256).hexdigest()}\r\n".encode()
    return out + b"\r\n"


@pytest.mark.parametrize("payload", PAYLOADS)
@given(contents=st.lists(st.binary(min_size=1, max_size=60), max_size=4), size=st.integers(1, 50))
def test_chunks_give_their_content(payload, contents, size):
    trailers = {"x-amz-checksum-crc32": "AAAAAA=="} if payload.endswith("TRAILER") else {}
    assert decode(encode(contents, trailers, payload=payload), payload, size) == (b"".join(contents), trailers)


@pytest.mark.parametrize("payload", PAYLOADS[:2])
def test_a_changed_chunk_is_rejected(payload):
    trailers = {"x-amz-checksum-crc32": "A"} if "TRAILER" in payload else {}
    data = encode([b"hello world"], trailers, payload=payload)
    with pytest.raises(RequestRejected, match="signature does not match"):
        decode(data.replace(b"world", b"wOrld"), payload)


def test_a_changed_trailer_is_rejected():
    payload = PAYLOADS[1]
    data = encode([b"hello"], {"x-amz-checksum-crc32": "AAAA"}, payload=payload)
    with pytest.raises(RequestRejected):
        decode(data.replace(b"AAAA", b"BBBB"), payload)


@given(st.binary(max_size=200))
def test_anything_else_is_rejected_or_read_but_never_hangs(data):
    try:
        decode(data, PAYLOADS[2])
    except RequestRejected:
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
def test_malformed_chunks(data):
    with pytest.raises(RequestRejected):
        decode(data, PAYLOADS[2], 4096)


def test_the_smallest_chunks_take_linear_time():
    """Many chunks in one large piece: quadratic time would take minutes."""
    data = (b"100\r\n" + b"x" * 256 + b"\r\n") * 2**15 + b"0\r\n\r\n"
    assert decode(data, PAYLOADS[2], len(data))[0] == b"x" * 2**23


def test_a_long_line_is_rejected_however_it_comes():
    data = b"1\r\nx\r\n0\r\na:" + b"b" * 9_000 + b"\r\n\r\n"
    for size in (100, len(data)):
        with pytest.raises(RequestRejected, match="too long"):
            decode(data, PAYLOADS[2], size)


def test_chunks_of_one_byte_are_refused_after_a_thousand():
    payload = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    assert decode(encode([b"x"] * 1_000, payload=payload), payload, 2**16)[0] == b"x" * 1_000
    with pytest.raises(RequestRejected, match="too small"):
        decode(encode([b"x"] * 1_001, payload=payload), payload, 2**16)
    small = [b"x" * 256] * 1_500
    assert decode(encode(small, payload=payload), payload, 2**16)[0] == b"".join(small)


def test_others_have_their_turn_between_small_chunks():
    """One read of the socket holds tens of thousands of chunks, and they held up the loop for a second."""
    payload = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    body, signature = encode([b"x"] * 900, payload=payload), VerifiedSignature("AKIA", "s3", payload)

    async def run():
        turns = 0

        async def count():
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        counter = asyncio.ensure_future(count())
        async for _ in decode_chunks(cut(body, len(body)), signature, {}):
            pass
        counter.cancel()
        return turns

    assert asyncio.run(run()) >= 10
