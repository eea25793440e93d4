"""Bodies as they arrive: bounded, checked against the digest that was signed, and taken out of AWS's chunks."""

import hashlib
import hmac
from collections.abc import AsyncIterator, MutableMapping

from naiad.service.gateway.refusal import Refused
from naiad.service.gateway.sigv4 import UNSIGNED, Signed

_STREAMING = "STREAMING-"
_LONGEST_LINE = 8_192
_LARGEST_CHUNK = 64 * 2**20
_MOST_TRAILERS = 32
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


def checked(body: AsyncIterator[bytes], signed: Signed, trailers: MutableMapping[str, str]) -> AsyncIterator[bytes]:
    """The content. Its last item may raise Refused; ``trailers`` are filled by then."""
    if signed.payload.startswith(_STREAMING):
        return _from_chunks(body, signed, trailers)
    return body if signed.payload == UNSIGNED else _with_digest(body, signed.payload)


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
    try:
        length = int(size, 16)
    except ValueError:
        raise Refused("digest", "the body is not in aws-chunked form") from None
    if not 0 <= length <= _LARGEST_CHUNK:
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
    """Lines and lengths out of parts of any size."""

    def __init__(self, body: AsyncIterator[bytes]) -> None:
        self._body = body
        self._held = b""

    async def line(self, *, may_end: bool = False) -> bytes:
        while b"\r\n" not in self._held:
            if len(self._held) > _LONGEST_LINE:
                raise Refused("digest", "a line of the aws-chunked body is too long")
            part = await anext(self._body, b"")
            if not part:
                if may_end and not self._held:
                    return b""
                raise Refused("digest", "the aws-chunked body ends too early")
            self._held += part
        line, _, self._held = self._held.partition(b"\r\n")
        return line

    async def content(self, size: int) -> AsyncIterator[bytes]:
        while size:
            part = self._held or await anext(self._body, b"")
            if not part:
                raise Refused("digest", "the aws-chunked body ends too early")
            self._held = part[size:]
            part = part[:size]
            size -= len(part)
            if part:
                yield part
