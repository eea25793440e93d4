"""CopyObject, and the copy of UploadPartCopy."""

from dataclasses import dataclass, replace
from urllib.parse import unquote_to_bytes

from naiad.service.blobs.customer_key import check_key
from naiad.service.blobs.port import ObjectAttributes, ObjectInfo, Part, Upload
from naiad.service.gateway.http.response import Response
from naiad.service.gateway.s3.conditions import check_copy_conditions
from naiad.service.gateway.s3.default_encryption import with_default_encryption
from naiad.service.gateway.s3.encryption import customer_key, encryption_response_headers
from naiad.service.gateway.s3.errors import S3Error, invalid_argument, no_such_version
from naiad.service.gateway.s3.headers import NOT_COPIED, object_attributes, write_condition
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
    response = xml_response(element("CopyObjectResult", *_result(info)))
    return response.with_headers(encryption_response_headers(call.request, info.headers))


async def copy_to_part(call: S3Call, number: int, upload_id: str) -> Response:
    """Puts a range of an object as a part of a multipart upload."""
    source = _allowed_source(call)
    part, upload = await call.threads.run(lambda: _copy_range(call, source, number, upload_id))
    response = xml_response(element("CopyPartResult", *_result(part)))
    return response.with_headers(encryption_response_headers(call.request, upload.headers))


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
    source_key = customer_key(call.request, of_copy_source=True)
    check_key(source_key, info.key_seal)
    requested, condition = object_attributes(call.request), write_condition(call.request)
    if (source.bucket, source.key) == (call.bucket, call.key) and not _changes_something(call, requested):
        raise S3Error(
            "InvalidRequest",
            400,
            "a copy of an object onto itself changes nothing; give other metadata, tags, storage class or encryption",
        )
    attributes = with_default_encryption(call.blobs, call.bucket, _new_attributes(call, info, requested))
    if info.key_seal is None and attributes.customer_key is None:
        return call.blobs.copy(
            (source.bucket, source.key), call.bucket, call.key, replace=attributes, condition=condition
        )
    if attributes.tags is None:
        attributes = replace(attributes, tags=call.blobs.tags(source.bucket, source.key))
    _, pieces = call.blobs.read(source.bucket, source.key, customer_key=source_key)
    return call.blobs.put(call.bucket, call.key, pieces, attributes=attributes, condition=condition)


def _copy_range(call: S3Call, source: CopySource, number: int, upload_id: str) -> tuple[Part, Upload]:
    upload = call.blobs.get_upload(call.bucket, call.key, upload_id)
    info = call.blobs.head(source.bucket, source.key)
    check_copy_conditions(call.request, info)
    source_key = customer_key(call.request, of_copy_source=True)
    check_key(source_key, info.key_seal)
    copied = parse_copy_range(call.request.header(f"{_SOURCE_HEADER}-range"), info.size)
    _, pieces = call.blobs.read(
        source.bucket, source.key, start=copied.start, length=copied.length, customer_key=source_key
    )
    checksums, key = {upload.algorithm: ""} if upload.algorithm else None, customer_key(call.request)
    return call.blobs.put_part(upload, number, pieces, checksums=checksums, customer_key=key), upload


def _new_attributes(call: S3Call, source: ObjectInfo, requested: ObjectAttributes) -> ObjectAttributes:
    """Returns the attributes of the copy: the source's or the request's, as its directives say."""
    attributes = replace(requested, tags=requested.tags or {} if _is_replaced(call, "tagging") else None)
    if _is_replaced(call, "metadata"):
        return attributes
    copied = {name: value for name, value in source.headers.items() if name not in NOT_COPIED}
    own = {name: value for name, value in requested.headers.items() if name in NOT_COPIED}
    return replace(attributes, content_type=source.content_type, metadata=source.metadata, headers={**copied, **own})


def _changes_something(call: S3Call, requested: ObjectAttributes) -> bool:
    is_replaced = _is_replaced(call, "metadata") or _is_replaced(call, "tagging")
    names = ("x-amz-storage-class", *NOT_COPIED)
    return is_replaced or requested.customer_key is not None or any(name in call.request.headers for name in names)


def _is_replaced(call: S3Call, what: str) -> bool:
    """``what``: metadata or tagging. Raises S3Error for a directive that there is not."""
    directive = call.request.header(f"x-amz-{what}-directive").upper()
    if directive not in _DIRECTIVES:
        raise invalid_argument(f"x-amz-{what}-directive {directive[:20]!r}: give COPY or REPLACE")
    return directive == "REPLACE"


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
