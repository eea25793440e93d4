"""CopyObject, and the copy of UploadPartCopy."""

from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from naiad.service.blobs.port import ObjectAttributes, ObjectInfo, Part
from naiad.service.gateway.http.response import Response
from naiad.service.gateway.s3.conditions import check_copy_conditions
from naiad.service.gateway.s3.errors import S3Error, invalid_argument, no_such_version
from naiad.service.gateway.s3.headers import object_attributes, write_condition
from naiad.service.gateway.s3.permissions import Access
from naiad.service.gateway.s3.ranges import parse_copy_range
from naiad.service.gateway.s3.s3_call import S3Call, xml_response
from naiad.service.gateway.s3.xml import Node, element, format_time

_SOURCE_HEADER = "x-amz-copy-source"
_DIRECTIVES = ("", "COPY", "REPLACE")


@dataclass(frozen=True)
class CopySource:
    bucket: str
    key: str


async def copy_object(call: S3Call) -> Response:
    source = _allowed_source(call)
    info = await call.threads.run(lambda: _copy(call, source))
    return xml_response(element("CopyObjectResult", *_result(info)))


async def copy_to_part(call: S3Call, number: int, upload_id: str) -> Response:
    """Puts a range of an object as a part of a multipart upload."""
    source = _allowed_source(call)
    part = await call.threads.run(lambda: _copy_range(call, source, number, upload_id))
    return xml_response(element("CopyPartResult", *_result(part)))


def is_copy(call: S3Call) -> bool:
    return _SOURCE_HEADER in call.request.headers


def parse_copy_source(text: str) -> CopySource:
    """``text``: bucket/key or /bucket/key, percent-encoded. Raises S3Error."""
    path, _, version = text.partition("?versionId=")
    bucket, _, key = path.removeprefix("/").partition("/")
    if version not in ("", "null"):
        raise no_such_version()
    try:
        source = CopySource(unquote_to_bytes(bucket).decode(), unquote_to_bytes(key).decode())
    except UnicodeDecodeError:
        raise invalid_argument(f"{_SOURCE_HEADER} is not UTF-8") from None
    if not source.bucket or not source.key:
        raise invalid_argument(f"{_SOURCE_HEADER} {text[:80]!r}: give bucket/key")
    return source


def _copy(call: S3Call, source: CopySource) -> ObjectInfo:
    info = call.blobs.head(source.bucket, source.key)
    check_copy_conditions(call.request, info)
    replace = _replacement(call)
    if replace is None and (source.bucket, source.key) == (call.bucket, call.key):
        raise S3Error("InvalidRequest", 400, "a copy of an object onto itself changes nothing; replace its metadata")
    return call.blobs.copy(
        (source.bucket, source.key), call.bucket, call.key, replace=replace, condition=write_condition(call.request)
    )


def _copy_range(call: S3Call, source: CopySource, number: int, upload_id: str) -> Part:
    upload = call.blobs.get_upload(call.bucket, call.key, upload_id)
    info = call.blobs.head(source.bucket, source.key)
    check_copy_conditions(call.request, info)
    copied = parse_copy_range(call.request.header(f"{_SOURCE_HEADER}-range"), info.size)
    _, pieces = call.blobs.read(source.bucket, source.key, start=copied.start, length=copied.length)
    return call.blobs.put_part(upload, number, pieces, checksums={upload.algorithm: ""} if upload.algorithm else None)


def _replacement(call: S3Call) -> ObjectAttributes | None:
    """Returns the attributes that replace those of the source; None where they are copied. Raises S3Error."""
    directive = call.request.header("x-amz-metadata-directive").upper()
    if directive not in _DIRECTIVES:
        raise invalid_argument(f"x-amz-metadata-directive {directive[:20]!r}: give COPY or REPLACE")
    attributes = object_attributes(call.request)
    return attributes if directive == "REPLACE" else None


def _allowed_source(call: S3Call) -> CopySource:
    source = parse_copy_source(call.request.header(_SOURCE_HEADER))
    call.check_access(Access.READ, source.bucket, source.key)
    return source


def _result(copied: ObjectInfo | Part) -> list[Node]:
    checksums = [element(f"Checksum{name.upper()}", value) for name, value in copied.checksums.items()]
    return [
        element("LastModified", format_time(copied.modified_at)),
        element("ETag", f'"{copied.etag}"'),
        *checksums,
    ]
