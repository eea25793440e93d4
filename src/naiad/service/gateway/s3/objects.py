"""PutObject, GetObject, HeadObject and DeleteObject."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from naiad.service.blobs.customer_key import check_key
from naiad.service.blobs.port import ObjectInfo
from naiad.service.gateway.http.response import Response
from naiad.service.gateway.s3.checksums import checksum_headers, expected_checksums
from naiad.service.gateway.s3.conditions import check_read_conditions, is_if_range_fulfilled
from naiad.service.gateway.s3.default_encryption import with_default_encryption
from naiad.service.gateway.s3.encryption import (
    check_no_encryption_headers,
    customer_key,
    customer_key_headers,
    encryption_response_headers,
)
from naiad.service.gateway.s3.headers import delete_condition, object_attributes, object_headers, write_condition
from naiad.service.gateway.s3.part_number import FoundPart, find_part
from naiad.service.gateway.s3.ranges import ByteRange, parse_range
from naiad.service.gateway.s3.s3_call import S3Call, check_header_value

MAX_PUT_BYTES = 5 * 2**30
_MAX_IN_MEMORY_BYTES = 2**20
"""An object up to this size is answered from memory."""
_OVERRIDES = (
    "response-content-type",
    "response-content-language",
    "response-expires",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
)


@dataclass(frozen=True)
class _OpenObject:
    info: ObjectInfo
    byte_range: ByteRange | None
    part: FoundPart | None
    content: bytes | Iterator[bytes]
    """Bytes when the object is small, otherwise pieces."""


class _Pieces:
    """The pieces of a large object. The first is read at once, so that damage at its begin is answered with an error.

    Damage further on breaks the answer off: its length is less than its head says, which no client takes for the whole.
    """

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._first = pieces, next(pieces, b"")

    def __iter__(self) -> "_Pieces":
        return self

    def __next__(self) -> bytes:
        first, self._first = self._first, b""
        return first or next(self._pieces)

    def close(self) -> None:
        self._pieces.close()  # type: ignore[attr-defined]  # the port promises a close


async def put_object(call: S3Call) -> Response:
    attributes, expected = object_attributes(call.request), expected_checksums(call.request, call.trailers)
    condition = write_condition(call.request)

    def put(content: Iterable[bytes]) -> ObjectInfo:
        return call.blobs.put(
            call.bucket,
            call.key,
            content,
            attributes=with_default_encryption(call.blobs, call.bucket, attributes),
            checksums=expected,
            condition=condition,
        )

    info = await call.threads.receive(call.open_body(MAX_PUT_BYTES), put)
    encryption = encryption_response_headers(call.request, info.headers)
    return Response(200, {"etag": f'"{info.etag}"', **checksum_headers(info.checksums), **encryption})


async def head_object(call: S3Call) -> Response:
    check_no_encryption_headers(call.request)
    key = customer_key(call.request)
    info = await call.threads.run(lambda: call.blobs.head(call.bucket, call.key))
    check_read_conditions(call.request, info)
    part = await call.threads.run(lambda: find_part(call, info)) if "partNumber" in call.request.query_params else None
    check_key(key, info.key_seal)
    byte_range = _byte_range(call, info, part)
    return Response(206 if byte_range else 200, _headers(call, info, byte_range, part))


async def get_object(call: S3Call) -> Response:
    check_no_encryption_headers(call.request)
    key = customer_key(call.request)
    opened = await call.threads.run(lambda: _open(call, key))
    status = 206 if opened.byte_range else 200
    headers = _headers(call, opened.info, opened.byte_range, opened.part)
    if isinstance(opened.content, bytes):
        return Response(status, headers, opened.content)
    return Response(status, headers, call.threads.send(opened.content))


async def delete_object(call: S3Call) -> Response:
    condition = delete_condition(call.request)
    await call.threads.run(lambda: call.blobs.delete(call.bucket, call.key, condition=condition))
    return Response(204, {})


def _open(call: S3Call, key: bytes | None) -> _OpenObject:
    """Opens one state of the object: starts again when it is replaced between its description and its content."""
    while True:
        info = call.blobs.head(call.bucket, call.key)
        check_read_conditions(call.request, info)
        part = find_part(call, info)
        check_key(key, info.key_seal)
        byte_range = _byte_range(call, info, part)
        start, length = (byte_range.start, byte_range.length) if byte_range else (0, info.size)
        read_info, pieces = call.blobs.read(call.bucket, call.key, start=start, length=length, customer_key=key)
        if (read_info.etag, read_info.modified_at) == (info.etag, info.modified_at):
            content = b"".join(pieces) if length <= _MAX_IN_MEMORY_BYTES else _Pieces(pieces)
            return _OpenObject(read_info, byte_range, part, content)
        pieces.close()  # type: ignore[attr-defined]  # the port promises a close


def _byte_range(call: S3Call, info: ObjectInfo, part: FoundPart | None) -> ByteRange | None:
    if part is not None:
        return part.byte_range
    text = call.request.header("range")
    return parse_range(text, info.size) if text and is_if_range_fulfilled(call.request, info) else None


def _headers(call: S3Call, info: ObjectInfo, byte_range: ByteRange | None, part: FoundPart | None) -> dict[str, str]:
    headers = object_headers(info) | customer_key_headers(call.request)
    with_checksums = call.request.header("x-amz-checksum-mode").upper() == "ENABLED"
    if byte_range:
        headers |= {"content-length": str(byte_range.length), "content-range": byte_range.content_range(info.size)}
    elif with_checksums and part is None:
        headers |= checksum_headers(info.checksums)
    if part is not None:
        headers |= part.headers(info, with_checksums=with_checksums)
    return headers | _overrides(call)


def _overrides(call: S3Call) -> dict[str, str]:
    values = {name: value for name in _OVERRIDES if (value := call.query_param(name)) is not None}
    return {name.removeprefix("response-"): check_header_value(name, value) for name, value in values.items()}
