"""Copy an object, and put a part that is a range of another object."""

from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from naiad.service.blobs.port import BlobInfo, Part
from naiad.service.gateway.request import Response
from naiad.service.gateway.s3.call import Call, xml_response
from naiad.service.gateway.s3.conditions import check_copy
from naiad.service.gateway.s3.errors import S3Error, bad_argument
from naiad.service.gateway.s3.headers import attributes, condition
from naiad.service.gateway.s3.permissions import Access
from naiad.service.gateway.s3.ranges import parse_copy_range
from naiad.service.gateway.s3.xml import Node, element, iso

_SOURCE = "x-amz-copy-source"
_DIRECTIVES = ("", "COPY", "REPLACE")


@dataclass(frozen=True)
class Source:
    bucket: str
    key: str


async def copy_object(call: Call) -> Response:
    source = _allowed_source(call)
    info = await call.threads.run(lambda: _copied(call, source))
    return xml_response(element("CopyObjectResult", *_result(info)))


async def copy_part(call: Call, number: int, upload_id: str) -> Response:
    source = _allowed_source(call)
    part = await call.threads.run(lambda: _copied_part(call, source, number, upload_id))
    return xml_response(element("CopyPartResult", *_result(part)))


def is_copy(call: Call) -> bool:
    return _SOURCE in call.request.headers


def _copied(call: Call, source: Source) -> BlobInfo:
    found = call.blobs.head(source.bucket, source.key)
    check_copy(call.request, found)
    replace = _replacement(call, found)
    if replace is None and (source.bucket, source.key) == (call.bucket, call.key):
        raise S3Error("InvalidRequest", 400, "a copy of an object onto itself changes nothing; replace its metadata")
    return call.blobs.copy(
        (source.bucket, source.key), call.bucket, call.key, replace=replace, condition=condition(call.request)
    )


def _copied_part(call: Call, source: Source, number: int, upload_id: str) -> Part:
    upload = call.blobs.upload(call.bucket, call.key, upload_id)
    found = call.blobs.head(source.bucket, source.key)
    check_copy(call.request, found)
    wanted = parse_copy_range(call.request.header(f"{_SOURCE}-range"), found.size)
    _, pieces = call.blobs.read(source.bucket, source.key, start=wanted.start, length=wanted.length)
    return call.blobs.put_part(upload, number, pieces, checksums={upload.algorithm: ""} if upload.algorithm else None)


def _replacement(call: Call, found: BlobInfo) -> BlobInfo | None:
    directive = call.request.header("x-amz-metadata-directive").upper()
    if directive not in _DIRECTIVES:
        raise bad_argument(f"x-amz-metadata-directive {directive[:20]!r}: give COPY or REPLACE")
    about = attributes(call.request)
    if directive != "REPLACE":
        return None
    return BlobInfo(
        bucket=call.bucket,
        key=call.key,
        size=found.size,
        etag=found.etag,
        modified_at=found.modified_at,
        content_type=about.content_type,
        metadata=about.metadata,
        headers=about.headers,
    )


def _allowed_source(call: Call) -> Source:
    source = parse_source(call.request.header(_SOURCE))
    call.demand(Access.READ, source.bucket, source.key)
    return source


def parse_source(text: str) -> Source:
    """Of bucket/key or /bucket/key, percent-encoded. Raises S3Error."""
    path, _, version = text.partition("?versionId=")
    bucket, _, key = path.removeprefix("/").partition("/")
    if version not in ("", "null"):
        raise S3Error("NoSuchVersion", 404, "objects have no versions here")
    try:
        source = Source(unquote_to_bytes(bucket).decode(), unquote_to_bytes(key).decode())
    except UnicodeDecodeError:
        raise bad_argument(f"{_SOURCE} is not UTF-8") from None
    if not source.bucket or not source.key:
        raise bad_argument(f"{_SOURCE} {text[:80]!r}: give bucket/key")
    return source


def _result(made: BlobInfo | Part) -> list[Node]:
    checksums = [element(f"Checksum{name.upper()}", value) for name, value in made.checksums.items()]
    return [element("LastModified", iso(made.modified_at)), element("ETag", f'"{made.etag}"'), *checksums]
