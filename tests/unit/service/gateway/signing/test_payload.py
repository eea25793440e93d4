"""The content of signed bodies."""

import asyncio
import hashlib

import pytest

from naiad.service.gateway.rejection import RequestRejected
from naiad.service.gateway.signing.payload import verified_content
from naiad.service.gateway.signing.signature import UNSIGNED_PAYLOAD, VerifiedSignature


async def cut(data: bytes, size: int):
    for start in range(0, len(data), size):
        yield data[start : start + size]


def read(data: bytes, payload_hash: str, *, declared_length: str = "") -> bytes:
    signature = VerifiedSignature("AKIA", "s3", payload_hash)

    async def read_all():
        content = verified_content(cut(data, 3), signature, {}, declared_length=declared_length)
        return b"".join([piece async for piece in content])

    return asyncio.run(read_all())


def test_a_plain_body_is_checked_against_its_hash():
    payload_hash = hashlib.sha256(b"hello").hexdigest()
    assert read(b"hello", payload_hash) == b"hello"
    assert read(b"hello", UNSIGNED_PAYLOAD) == b"hello"
    with pytest.raises(RequestRejected, match="not the one that was signed"):
        read(b"hullo", payload_hash)


@pytest.mark.parametrize("declared", ["4", "6", "", "-5", "05", "9" * 5_000])
def test_the_declared_length_of_a_chunked_body(declared):
    body, payload = b"5\r\nhello\r\n0\r\n\r\n", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    if declared == "":
        assert read(body, payload) == b"hello"
        return
    with pytest.raises(RequestRejected, match="the content has 5 bytes") as caught:
        read(body, payload, declared_length=declared)
    assert caught.value.kind == "incomplete"
