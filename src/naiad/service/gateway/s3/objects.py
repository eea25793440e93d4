"""Put, get, head and delete an object."""

from collections.abc import Iterable, Iterator

from naiad.service.blobs.port import BlobInfo
from naiad.service.domain.errors import NotServed
from naiad.service.gateway.request import Response
from naiad.service.gateway.s3.call import Call, printable
from naiad.service.gateway.s3.conditions import check_read, range_holds
from naiad.service.gateway.s3.headers import (
    attributes,
    checksum_headers,
    condition,
    delete_condition,
    expected_checksums,
    object_headers,
)
from naiad.service.gateway.s3.ranges import ByteRange, parse_range

MAX_PUT_BYTES = 5 * 2**30
_WHOLE_BYTES = 2**20
"""An object up to this size is answered from memory."""
_OVERRIDES = (
    "response-content-type",
    "response-content-language",
    "response-expires",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
)


async def put_object(call: Call) -> Response:
    about, expected, when = attributes(call.request), expected_checksums(call.request), condition(call.request)

    def put(content: Iterable[bytes]) -> BlobInfo:
        return call.blobs.put(
            call.bucket,
            call.key,
            content,
            content_type=about.content_type,
            metadata=about.metadata,
            headers=about.headers,
            checksums=expected,
            condition=when,
        )

    info = await call.threads.receive(call.body(MAX_PUT_BYTES), put)
    return Response(200, {"etag": f'"{info.etag}"', **checksum_headers(info.checksums)})


async def head_object(call: Call) -> Response:
    _refuse_parts(call)
    info = await call.threads.run(lambda: call.blobs.head(call.bucket, call.key))
    check_read(call.request, info)
    wanted = _wanted(call, info)
    return Response(206 if wanted else 200, _headers(call, info, wanted))


async def get_object(call: Call) -> Response:
    _refuse_parts(call)
    info, wanted, pieces = await call.threads.run(lambda: _opened(call))
    status, headers = 206 if wanted else 200, _headers(call, info, wanted)
    if isinstance(pieces, bytes):
        return Response(status, headers, pieces)
    return Response(status, headers, call.threads.send(pieces))


async def delete_object(call: Call) -> Response:
    when = delete_condition(call.request)
    await call.threads.run(lambda: call.blobs.delete(call.bucket, call.key, condition=when))
    return Response(204, {})


def _opened(call: Call) -> tuple[BlobInfo, ByteRange | None, bytes | Iterator[bytes]]:
    """The object as it is now, and its content: in memory when it is small."""
    while True:
        info = call.blobs.head(call.bucket, call.key)
        check_read(call.request, info)
        wanted = _wanted(call, info)
        start, length = (wanted.start, wanted.length) if wanted else (0, info.size)
        found, pieces = call.blobs.read(call.bucket, call.key, start=start, length=length)
        if (found.etag, found.modified_at) == (info.etag, info.modified_at):
            return found, wanted, b"".join(pieces) if length <= _WHOLE_BYTES else pieces
        pieces.close()  # type: ignore[attr-defined]  # the port's readings have one


def _wanted(call: Call, info: BlobInfo) -> ByteRange | None:
    text = call.request.header("range")
    return parse_range(text, info.size) if text and range_holds(call.request, info) else None


def _headers(call: Call, info: BlobInfo, wanted: ByteRange | None) -> dict[str, str]:
    headers = object_headers(info)
    if wanted:
        headers |= {"content-length": str(wanted.length), "content-range": wanted.content_range(info.size)}
    elif call.request.header("x-amz-checksum-mode").upper() == "ENABLED":
        headers |= checksum_headers(info.checksums)
    return headers | _overrides(call)


def _overrides(call: Call) -> dict[str, str]:
    asked = {name: value for name in _OVERRIDES if (value := call.asked(name)) is not None}
    return {name.removeprefix("response-"): printable(name, value) for name, value in asked.items()}


def _refuse_parts(call: Call) -> None:
    if call.asked("partNumber") is not None:
        raise NotServed("reading one part of an object is not served; ask for a range")
