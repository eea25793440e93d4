"""The aws-chunked encoding: a line ``SIZE[;chunk-signature=…]``, the content, an empty line; until a size of 0, then trailers."""

import asyncio
import hashlib
import hmac
import itertools
import re
from collections.abc import AsyncIterator, MutableMapping

from naiad.service.gateway.rejection import RequestRejected
from naiad.service.gateway.signing.payload_words import SIGNED_CHUNKS, SIGNED_CHUNKS_WITH_TRAILER
from naiad.service.gateway.signing.signature import VerifiedSignature, check_equal

_MAX_LINE_BYTES = 8_192
_MAX_CHUNK_BYTES = 64 * 2**20
_MAX_TRAILERS = 32
_MAX_SMALL_CHUNKS, _MIN_MEAN_BYTES = 1_000, 256
"""A body of more chunks has so many bytes in each of them, on average; AWS wants 8 KiB in each but the last."""
_CHUNKS_PER_TURN = 64
"""After so many chunks other requests have a turn; a chunk costs microseconds, and may hold one byte."""
_SIZE = re.compile(rb"[0-9A-Fa-f]{1,16}")
_EMPTY_HASH = hashlib.sha256().hexdigest()


async def decode_chunks(
    body: AsyncIterator[bytes], verified: VerifiedSignature, trailers: MutableMapping[str, str]
) -> AsyncIterator[bytes]:
    """Yields the content, and fills ``trailers`` at its end. Checks the signatures of signed chunks. Raises RequestRejected."""
    reader, previous = _LineReader(body), verified.signature
    is_signed = verified.payload_hash in (SIGNED_CHUNKS, SIGNED_CHUNKS_WITH_TRAILER)
    total = 0
    for number in itertools.count(1):
        if number % _CHUNKS_PER_TURN == 0:
            await asyncio.sleep(0)  # chunks of one byte come by tens of thousands in one read of the socket
        size, signature = _parse_chunk_head(await reader.read_line())
        total += size
        if size and number > _MAX_SMALL_CHUNKS and total < number * _MIN_MEAN_BYTES:
            raise RequestRejected("digest", f"the chunks are too small: give {_MIN_MEAN_BYTES} bytes or more in each")
        digest = hashlib.sha256()
        async for data in reader.read_content(size):
            digest.update(data)
            yield data
        if is_signed:
            previous = _check_chunk(verified, previous, digest.hexdigest(), signature)
        if size == 0:
            break
        if await reader.read_line() != b"":
            raise RequestRejected("digest", "a chunk is longer than it says")
    lines = await _read_trailers(reader)
    if verified.payload_hash == SIGNED_CHUNKS_WITH_TRAILER:
        _check_trailers(verified, previous, lines)
    trailers.update(pair for pair in lines if pair[0] != "x-amz-trailer-signature")


async def _read_trailers(reader: "_LineReader") -> list[tuple[str, str]]:
    """Returns (name in lower case, value) of each line."""
    lines: list[str] = []
    while line := await reader.read_line(may_end=True):
        if len(lines) > _MAX_TRAILERS:
            raise RequestRejected("too large", "the body has too many trailers")
        lines.append(line.decode("utf-8", "replace"))
    return [(name.strip().lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]


def _check_trailers(verified: VerifiedSignature, previous: str, lines: list[tuple[str, str]]) -> None:
    text = "".join(f"{name}:{value}\n" for name, value in lines if name != "x-amz-trailer-signature")
    digest = hashlib.sha256(text.encode()).hexdigest()
    message = f"AWS4-HMAC-SHA256-TRAILER\n{verified.date}\n{verified.scope}\n{previous}\n{digest}"
    _check_signature(verified, message, dict(lines).get("x-amz-trailer-signature", ""))


def _parse_chunk_head(line: bytes) -> tuple[int, str]:
    """Returns (size, signature)."""
    size, _, extension = line.partition(b";")
    if not _SIZE.fullmatch(size):
        raise RequestRejected("digest", "the body is not in aws-chunked form")
    length = int(size, 16)
    if length > _MAX_CHUNK_BYTES:
        raise RequestRejected("too large", f"a chunk is larger than {_MAX_CHUNK_BYTES:,} bytes")
    return length, extension.partition(b"chunk-signature=")[2].decode("ascii", "replace").strip()


def _check_chunk(verified: VerifiedSignature, previous: str, digest: str, signature: str) -> str:
    message = f"AWS4-HMAC-SHA256-PAYLOAD\n{verified.date}\n{verified.scope}\n{previous}\n{_EMPTY_HASH}\n{digest}"
    return _check_signature(verified, message, signature)


def _check_signature(verified: VerifiedSignature, message: str, signature: str) -> str:
    """Returns the signature, from which the next one continues."""
    expected = hmac.new(verified.signing_key, message.encode(), hashlib.sha256).hexdigest()
    check_equal(expected, signature, "a chunk's signature does not match")
    return expected


class _LineReader:
    """Lines and lengths out of pieces of any size; each byte is copied once, however small the chunks are."""

    def __init__(self, body: AsyncIterator[bytes]) -> None:
        self._body = body
        self._buffer, self._position = b"", 0

    async def read_line(self, *, may_end: bool = False) -> bytes:
        """``may_end``: returns an empty line where the body has ended."""
        while (end := self._buffer.find(b"\r\n", self._position)) < 0 and self._available() <= _MAX_LINE_BYTES:
            if not await self._fetch():
                if may_end and self._available() == 0:
                    return b""
                raise RequestRejected("digest", "the aws-chunked body ends too early")
        if not 0 <= end - self._position <= _MAX_LINE_BYTES:
            raise RequestRejected("digest", "a line of the aws-chunked body is too long")
        line, self._position = self._buffer[self._position : end], end + 2
        return line

    async def read_content(self, size: int) -> AsyncIterator[bytes]:
        while size:
            if self._available() == 0 and not await self._fetch():
                raise RequestRejected("digest", "the aws-chunked body ends too early")
            data = self._buffer[self._position : self._position + size]
            self._position += len(data)
            size -= len(data)
            yield data

    def _available(self) -> int:
        return len(self._buffer) - self._position

    async def _fetch(self) -> bool:
        """Returns whether there was more. Forgets what was read already."""
        data = await anext(self._body, b"")
        self._buffer, self._position = self._buffer[self._position :] + data, 0
        return bool(data)
