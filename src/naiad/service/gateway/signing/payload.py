"""The content of a signed body: checked against the signed hash as it passes, and taken out of AWS's chunks."""

import hashlib
import hmac
from collections.abc import AsyncIterator, MutableMapping

from naiad.service.gateway.rejection import RequestRejected
from naiad.service.gateway.signing.aws_chunked import decode_chunks
from naiad.service.gateway.signing.payload_words import CHUNKED
from naiad.service.gateway.signing.signature import UNSIGNED_PAYLOAD, VerifiedSignature


def verified_content(
    body: AsyncIterator[bytes],
    verified: VerifiedSignature,
    trailers: MutableMapping[str, str],
    *,
    declared_length: str = "",
) -> AsyncIterator[bytes]:
    """Returns the content. Its last item may raise RequestRejected; ``trailers`` are filled by then.

    ``declared_length``: of the content in chunks, as the header has it; "" where it says nothing.
    """
    if verified.payload_hash in CHUNKED:
        return _check_length(decode_chunks(body, verified, trailers), declared_length)
    return body if verified.payload_hash == UNSIGNED_PAYLOAD else _check_hash(body, verified.payload_hash)


async def _check_length(content: AsyncIterator[bytes], declared: str) -> AsyncIterator[bytes]:
    size = 0
    async for data in content:
        size += len(data)
        yield data
    if declared and declared != str(size):
        raise RequestRejected(
            "incomplete", f"x-amz-decoded-content-length is {declared[:24]}, and the content has {size} bytes"
        )


async def _check_hash(body: AsyncIterator[bytes], expected: str) -> AsyncIterator[bytes]:
    digest = hashlib.sha256()
    async for data in body:
        digest.update(data)
        yield data
    if not hmac.compare_digest(digest.hexdigest().encode(), expected.encode("utf-8", "replace")):
        raise RequestRejected("digest", "the body is not the one that was signed")
