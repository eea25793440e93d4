"""Bodies as they arrive: bounded, checked against the digest that was signed, and taken out of AWS's chunks."""

import hashlib
import hmac
import re
from collections.abc import AsyncIterator, MutableMapping

from naiad.service.gateway.refusal import Refused
from naiad.service.gateway.sigv4 import UNSIGNED, Signed

_STREAMING = "STREAMING-"
_LONGEST_LINE = 8_192
_LARGEST_CHUNK = 64 * 2**20
_MOST_TRAILERS = 32
_SIZE = re.compile(rb"[0-9A-Fa-f]{1,16}")
_EMPTY = hashlib.sha256().hexdigest()


async def read_all(body: AsyncIterator[bytes], most_bytes: int) -> bytes:
    """Raises Refused when it is longer; what is left is not read."""
    parts, size = [], 0
    async for part in body:
        size += len(part)
        if size > most_bytes:
            raise Refused("too large", f"the body is larger than {most_bytes:,} bytes")
        parts.append(part)
    return b"".join(parts)


def checked(
    body: AsyncIterator[bytes], signed: Signed, trailers: MutableMapping[str, str], *, said_length: str = ""
) -> AsyncIterator[bytes]:
    """The content. Its last item may raise Refused; ``trailers`` are filled by then. ``said_length``: of the content in
    chunks, as the header has it; "" where it says nothing.
    """
    if signed.payload.startswith(_STREAMING):
        return _of_length(_from_chunks(body, signed, trailers), said_length)
    return body if signed.payload == UNSIGNED else _with_digest(body, signed.payload)


async def _of_length(content: AsyncIterator[bytes], said: str) -> AsyncIterator[bytes]:
    size = 0
    async for part in content:
        size += len(part)
        yield part
    if said and said != str(size):
        raise Refused("incomplete", f"x-amz-decoded-content-length is {said[:24]}, and the content has {size} bytes")


async def _with_digest(body: AsyncIterator[bytes], expected: str) -> AsyncIterator[bytes]:
    digest = hashlib.sha256()
    async for part in body:
        digest.update(part)
        yield part
    if not hmac.compare_digest(digest.hexdigest().encode(), expected.encode("utf-8", "replace")):
        raise Refused("digest", "the body is not the one that was signed")


async def _from_chunks(
    body: AsyncIterator[bytes], signed: Signed, trailers: MutableMapping[str, str]
) -> AsyncIterator[bytes]:
    """aws-chunked: a line ``SIZE[;chunk-signature=…]``, the content, an empty line; until a size of 0, then trailers."""
    reader, before = _Reader(body), signed.seed
    is_signed = signed.payload.startswith("STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
    while True:
        size, given = _chunk_head(await reader.line())
        digest = hashlib.sha256()
        async for part in reader.content(size):
            digest.update(part)
            yield part
        if is_signed:
            before = _check_chunk(signed, before, digest.hexdigest(), given)
        if size == 0:
            break
        if await reader.line() != b"":
            raise Refused("digest", "a chunk is longer than it says")
    await _read_trailers(reader, signed, before, trailers, is_signed=is_signed)


async def _read_trailers(
    reader: "_Reader", signed: Signed, before: str, trailers: MutableMapping[str, str], *, is_signed: bool
) -> None:
    lines: list[str] = []
    while line := await reader.line(may_end=True):
        if len(lines) > _MOST_TRAILERS:
            raise Refused("too large", "the body has too many trailers")
        lines.append(line.decode("utf-8", "replace"))
    pairs = [(name.strip().lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    given = dict(pairs).get("x-amz-trailer-signature")
    plain = [(name, value) for name, value in pairs if name != "x-amz-trailer-signature"]
    if is_signed and signed.payload.endswith("-TRAILER"):
        text = "".join(f"{name}:{value}\n" for name, value in plain)
        digest = hashlib.sha256(text.encode()).hexdigest()
        message = f"AWS4-HMAC-SHA256-TRAILER\n{signed.date}\n{signed.scope}\n{before}\n{digest}"
        _compare(signed, message, given or "")
    trailers.update(plain)


def _chunk_head(line: bytes) -> tuple[int, str]:
    """(size, signature)."""
    size, _, rest = line.partition(b";")
    if not _SIZE.fullmatch(size):
        raise Refused("digest", "the body is not in aws-chunked form")
    length = int(size, 16)
    if length > _LARGEST_CHUNK:
        raise Refused("too large", f"a chunk is larger than {_LARGEST_CHUNK:,} bytes")
    return length, rest.partition(b"chunk-signature=")[2].decode("ascii", "replace").strip()


def _check_chunk(signed: Signed, before: str, digest: str, given: str) -> str:
    message = f"AWS4-HMAC-SHA256-PAYLOAD\n{signed.date}\n{signed.scope}\n{before}\n{_EMPTY}\n{digest}"
    return _compare(signed, message, given)


def _compare(signed: Signed, message: str, given: str) -> str:
    expected = hmac.new(signed.signing_key, message.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace")):
        raise Refused("signature", "a chunk's signature does not match")
    return expected


class _Reader:
    """Lines and lengths out of parts of any size; each byte is copied once, however small the chunks are."""

    def __init__(self, body: AsyncIterator[bytes]) -> None:
        self._body = body
        self._held, self._at = b"", 0

    async def line(self, *, may_end: bool = False) -> bytes:
        while (end := self._held.find(b"\r\n", self._at)) < 0 and len(self._held) - self._at <= _LONGEST_LINE:
            if not await self._fetch():
                if may_end and self._at == len(self._held):
                    return b""
                raise Refused("digest", "the aws-chunked body ends too early")
        if not 0 <= end - self._at <= _LONGEST_LINE:
            raise Refused("digest", "a line of the aws-chunked body is too long")
        line, self._at = self._held[self._at : end], end + 2
        return line

    async def content(self, size: int) -> AsyncIterator[bytes]:
        while size:
            if self._at == len(self._held) and not await self._fetch():
                raise Refused("digest", "the aws-chunked body ends too early")
            part = self._held[self._at : self._at + size]
            self._at += len(part)
            size -= len(part)
            yield part

    async def _fetch(self) -> bool:
        """Whether there was more. What was read already is let go."""
        part = await anext(self._body, b"")
        self._held, self._at = self._held[self._at :] + part, 0
        return bool(part)
