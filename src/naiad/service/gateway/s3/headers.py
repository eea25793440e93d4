"""Headers of objects: what a request says about an object, the conditions of writes, and what a response says."""

import datetime as dt
import re
from collections.abc import Mapping
from email.utils import format_datetime, parsedate_to_datetime

from naiad.service.blobs.port import DEFAULT_CONTENT_TYPE, UNCONDITIONAL, ObjectAttributes, ObjectInfo, WriteCondition
from naiad.service.domain.errors import NotServed
from naiad.service.gateway.http.request import Request
from naiad.service.gateway.s3.acl import check_acl_headers
from naiad.service.gateway.s3.encryption import ENCRYPTION_HEADERS, customer_key, encryption_headers
from naiad.service.gateway.s3.errors import S3Error, invalid_argument
from naiad.service.gateway.s3.tagging import parse_tag_header

_META_PREFIX = "x-amz-meta-"
_STORED = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "expires",
    "x-amz-website-redirect-location",
)
_STORAGE_CLASS = "x-amz-storage-class"
_STANDARD = "STANDARD"
_STORAGE_CLASSES = (
    _STANDARD,
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "GLACIER_IR",
    "DEEP_ARCHIVE",
)
NOT_COPIED = (_STORAGE_CLASS, "x-amz-website-redirect-location", *ENCRYPTION_HEADERS)
"""Stored headers that belong to one object: a copy has those of its own request."""
_MAX_METADATA_BYTES = 2048
_NOT_SERVED = (
    "x-amz-object-lock-mode",
    "x-amz-object-lock-legal-hold",
    "x-amz-object-lock-retain-until-date",
    "x-amz-write-offset-bytes",
)
_NOT_SERVED_FOR_DELETE = ("if-none-match", "if-modified-since", "if-unmodified-since")


def object_attributes(request: Request) -> ObjectAttributes:
    """Raises NotServed for headers that would be ignored silently, S3Error for what S3 does not allow."""
    check_acl_headers(request)
    for name in _NOT_SERVED:
        if name in request.headers:
            raise NotServed(f"{name} is not served")
    metadata = {
        name.removeprefix(_META_PREFIX): value
        for name, value in request.headers.items()
        if name.startswith(_META_PREFIX)
    }
    if sum(len(name) + len(value) for name, value in metadata.items()) > _MAX_METADATA_BYTES:
        raise S3Error("MetadataTooLarge", 400, f"metadata is larger than {_MAX_METADATA_BYTES} bytes")
    tagging = request.headers.get("x-amz-tagging")
    return ObjectAttributes(
        request.header("content-type") or DEFAULT_CONTENT_TYPE,
        metadata,
        _stored_headers(request),
        tags=None if tagging is None else parse_tag_header(tagging),
        customer_key=customer_key(request),
    )


def storage_class_of(headers: Mapping[str, str]) -> str:
    """``headers``: those that are stored with an object or an upload."""
    return headers.get(_STORAGE_CLASS, _STANDARD)


def write_condition(request: Request) -> WriteCondition:
    none_match, match = request.header("if-none-match"), request.header("if-match")
    if not none_match and not match:
        return UNCONDITIONAL
    return WriteCondition(
        if_none_match=unquote_etag(none_match) if none_match else None, if_match=unquote_etag(match) if match else None
    )


def delete_condition(request: Request) -> WriteCondition:
    """Raises NotServed for conditions that AWS does not have, S3Error for values that cannot be read."""
    for name in _NOT_SERVED_FOR_DELETE:
        if request.header(name):
            raise NotServed(f"{name} of a deletion is not served; give if-match")
    return deletion_condition(
        request.header("if-match"),
        size=request.header("x-amz-if-match-size"),
        modified_at=request.header("x-amz-if-match-last-modified-time"),
    )


def deletion_condition(etag: str, *, size: str, modified_at: str) -> WriteCondition:
    """Returns the condition in texts of a request; "" for what is not given. Raises S3Error."""
    if not etag and not size and not modified_at:
        return UNCONDITIONAL
    if size and not re.fullmatch(r"\d{1,16}", size):
        raise invalid_argument(f"the size {size[:20]!r} of a condition is a number of bytes")
    return WriteCondition(
        if_match=unquote_etag(etag) if etag else None,
        if_match_size=int(size) if size else None,
        if_match_modified_at=_parse_time(modified_at) if modified_at else None,
    )


def _parse_time(text: str) -> dt.datetime:
    """Reads a date of HTTP, or one of ISO 8601. Raises S3Error."""
    try:
        at = dt.datetime.fromisoformat(text) if text[:4].isdecimal() else parsedate_to_datetime(text)
    except (ValueError, TypeError):
        raise invalid_argument(f"the time {text[:40]!r} of a condition is no date") from None
    return at if at.tzinfo else at.replace(tzinfo=dt.UTC)


def object_headers(info: ObjectInfo) -> dict[str, str]:
    return {
        "content-type": info.content_type,
        "content-length": str(info.size),
        "etag": f'"{info.etag}"',
        "last-modified": format_http_date(info.modified_at),
        "accept-ranges": "bytes",
        **info.headers,
        **{_META_PREFIX + name: value for name, value in info.metadata.items()},
        **({"x-amz-tagging-count": str(info.tag_count)} if info.tag_count else {}),
    }


def format_http_date(time: dt.datetime) -> str:
    return format_datetime(time.astimezone(dt.UTC).replace(microsecond=0), usegmt=True)


def unquote_etag(etag: str) -> str:
    return etag.strip().removeprefix("W/").strip('"')


def _stored_headers(request: Request) -> dict[str, str]:
    headers = {name: value for name in _STORED if (value := request.header(name))}
    if "aws-chunked" in headers.get("content-encoding", ""):  # the framing of the body, and not the content's
        names = [name.strip() for name in headers.pop("content-encoding").split(",")]
        if rest := ",".join(name for name in names if name and name != "aws-chunked"):
            headers["content-encoding"] = rest
    wanted = request.header(_STORAGE_CLASS)
    if wanted and wanted not in _STORAGE_CLASSES:
        raise S3Error("InvalidStorageClass", 400, f"{_STORAGE_CLASS} {wanted[:30]!r} is not one of S3's")
    if wanted not in ("", _STANDARD):
        headers[_STORAGE_CLASS] = wanted
    return headers | encryption_headers(request)
