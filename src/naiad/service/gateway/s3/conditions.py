"""Conditions of reads, after RFC 9110: If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since, If-Range."""

import datetime as dt
from email.utils import parsedate_to_datetime

from naiad.service.blobs.port import ObjectInfo
from naiad.service.gateway.http.request import Request
from naiad.service.gateway.s3.errors import S3Error
from naiad.service.gateway.s3.headers import format_http_date, unquote_etag

_COPY_PREFIX = "x-amz-copy-source-"


def check_read_conditions(request: Request, info: ObjectInfo) -> None:
    """Raises S3Error: 412, or 304 where the client has the object already."""
    _check_unchanged(request, info, "")
    if _is_known_to_client(request, info, ""):
        raise S3Error(
            "NotModified",
            304,
            "the object is as you have it",
            headers={"etag": f'"{info.etag}"', "last-modified": format_http_date(info.modified_at)},
        )


def check_copy_conditions(request: Request, info: ObjectInfo) -> None:
    """``info``: the source of a copy. Raises S3Error, 412 for every condition that fails."""
    _check_unchanged(request, info, _COPY_PREFIX)
    if _is_known_to_client(request, info, _COPY_PREFIX):
        raise _precondition_failed("if-none-match or if-modified-since")


def is_if_range_fulfilled(request: Request, info: ObjectInfo) -> bool:
    """Whether the range of the request applies: If-Range is missing, or names this state of the object."""
    value = request.header("if-range")
    if not value:
        return True
    date = _parse_date(value)
    return date >= _whole_seconds(info) if date else unquote_etag(value) == info.etag


def _check_unchanged(request: Request, info: ObjectInfo, prefix: str) -> None:
    etags = request.header(f"{prefix}if-match")
    if etags:
        if not _matches_any(etags, info):
            raise _precondition_failed("if-match")
        return
    since = _parse_date(request.header(f"{prefix}if-unmodified-since"))
    if since and _whole_seconds(info) > since:
        raise _precondition_failed("if-unmodified-since")


def _is_known_to_client(request: Request, info: ObjectInfo, prefix: str) -> bool:
    etags = request.header(f"{prefix}if-none-match")
    if etags:
        return _matches_any(etags, info)
    since = _parse_date(request.header(f"{prefix}if-modified-since"))
    return since is not None and _whole_seconds(info) <= since


def _matches_any(etags: str, info: ObjectInfo) -> bool:
    return etags.strip() == "*" or info.etag in map(unquote_etag, etags.split(","))


def _whole_seconds(info: ObjectInfo) -> dt.datetime:
    return info.modified_at.replace(microsecond=0)


def _parse_date(text: str) -> dt.datetime | None:
    """Returns None for a text that is no date: such a condition does not count."""
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=dt.UTC)


def _precondition_failed(condition: str) -> S3Error:
    return S3Error("PreconditionFailed", 412, f"{condition} does not hold")
