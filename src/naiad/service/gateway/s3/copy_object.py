"""CopyObject, and the copy of UploadPartCopy."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import unquote_to_bytes

from naiad.service.blobs.customer_key import check_key
from naiad.service.blobs.errors import PreconditionFailed
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


class _SourceReplaced(Exception):
    """The source is not the object any more that was described."""


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
    """Copies one state of the source: starts again when it is replaced between its description and its content."""
    while True:
        info = _head_source(call, source)
        _check_change(call, source)
        attributes = with_default_encryption(call.blobs, call.bucket, _new_attributes(call, info))
        with contextlib.suppress(_SourceReplaced):
            if info.key_seal is None and attributes.customer_key is None:
                return _copy_in_store(call, info, attributes)
            return _copy_decrypted(call, info, attributes)


def _head_source(call: S3Call, source: CopySource) -> ObjectInfo:
    """Raises S3Error for a condition that does not hold, CustomerKeyMismatch."""
    info = call.blobs.head(source.bucket, source.key)
    check_copy_conditions(call.request, info)
    check_key(customer_key(call.request, of_copy_source=True), info.key_seal)
    return info


def _copy_in_store(call: S3Call, source: ObjectInfo, attributes: ObjectAttributes) -> ObjectInfo:
    """Raises _SourceReplaced."""
    try:
        return call.blobs.copy(
            (source.bucket, source.key),
            call.bucket,
            call.key,
            replace=attributes,
            condition=write_condition(call.request),
            source_etag=source.etag,
        )
    except PreconditionFailed:
        if call.blobs.head(source.bucket, source.key).etag != source.etag:
            raise _SourceReplaced from None
        raise


def _copy_decrypted(call: S3Call, source: ObjectInfo, attributes: ObjectAttributes) -> ObjectInfo:
    """Raises _SourceReplaced."""
    pieces = _read_state(call, source, start=0, length=source.size)
    if attributes.tags is None:
        attributes = replace(attributes, tags=call.blobs.tags(source.bucket, source.key))
    return call.blobs.put(call.bucket, call.key, pieces, attributes=attributes, condition=write_condition(call.request))


def _copy_range(call: S3Call, source: CopySource, number: int, upload_id: str) -> tuple[Part, Upload]:
    upload = call.blobs.get_upload(call.bucket, call.key, upload_id)
    checksums, key = {upload.algorithm: ""} if upload.algorithm else None, customer_key(call.request)
    while True:
        info = _head_source(call, source)
        with contextlib.suppress(_SourceReplaced):
            copied = parse_copy_range(call.request.header(f"{_SOURCE_HEADER}-range"), info.size)
            pieces = _read_state(call, info, start=copied.start, length=copied.length)
            return call.blobs.put_part(upload, number, pieces, checksums=checksums, customer_key=key), upload


def _read_state(call: S3Call, source: ObjectInfo, *, start: int, length: int) -> Iterator[bytes]:
    """Reads the object that ``source`` describes. Raises _SourceReplaced where it is another one now."""
    key = customer_key(call.request, of_copy_source=True)
    read, pieces = call.blobs.read(source.bucket, source.key, start=start, length=length, customer_key=key)
    if (read.etag, read.modified_at) == (source.etag, source.modified_at):
        return pieces
    pieces.close()  # type: ignore[attr-defined]  # the port promises a close
    raise _SourceReplaced


def _new_attributes(call: S3Call, source: ObjectInfo) -> ObjectAttributes:
    """Returns the attributes of the copy: the source's or the request's, as its directives say."""
    requested = object_attributes(call.request)
    attributes = replace(requested, tags=requested.tags or {} if _is_replaced(call, "tagging") else None)
    if _is_replaced(call, "metadata"):
        return attributes
    copied = {name: value for name, value in source.headers.items() if name not in NOT_COPIED}
    own = {name: value for name, value in requested.headers.items() if name in NOT_COPIED}
    return replace(attributes, content_type=source.content_type, metadata=source.metadata, headers={**copied, **own})


def _check_change(call: S3Call, source: CopySource) -> None:
    """Raises S3Error for a copy of an object onto itself that changes nothing."""
    if (source.bucket, source.key) != (call.bucket, call.key):
        return
    is_replaced = _is_replaced(call, "metadata") or _is_replaced(call, "tagging")
    has_own = customer_key(call.request) is not None or any(name in call.request.headers for name in NOT_COPIED)
    if not is_replaced and not has_own:
        raise S3Error(
            "InvalidRequest",
            400,
            "a copy of an object onto itself changes nothing; give other metadata, tags, storage class or encryption",
        )


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
