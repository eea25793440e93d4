"""Conditions of reads, after RFC 9110: If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since, If-Range."""

import datetime as dt
from email.utils import parsedate_to_datetime

from naiad.service.blobs.port import BlobInfo
from naiad.service.gateway.request import Request
from naiad.service.gateway.s3.errors import S3Error
from naiad.service.gateway.s3.headers import http_date, unquoted

_COPY = "x-amz-copy-source-"


def check_read(request: Request, info: BlobInfo) -> None:
    """Raises S3Error: 412, or 304 where the client has it already."""
    _check_held(request, info, "")
    if _is_known(request, info, ""):
        raise S3Error(
            "NotModified",
            304,
            "the object is as you have it",
            headers={"etag": f'"{info.etag}"', "last-modified": http_date(info.modified_at)},
        )


def check_copy(request: Request, info: BlobInfo) -> None:
    """The same of the source of a copy, where everything that fails is 412."""
    _check_held(request, info, _COPY)
    if _is_known(request, info, _COPY):
        raise _failed("if-none-match or if-modified-since")


def range_holds(request: Request, info: BlobInfo) -> bool:
    """Whether If-Range, if given, lets the range count."""
    given = request.header("if-range")
    if not given:
        return True
    at = _date(given)
    return at >= _seconds(info) if at else unquoted(given) == info.etag


def _check_held(request: Request, info: BlobInfo, prefix: str) -> None:
    match = request.header(f"{prefix}if-match")
    if match:
        if not _names(match, info):
            raise _failed("if-match")
        return
    since = _date(request.header(f"{prefix}if-unmodified-since"))
    if since and _seconds(info) > since:
        raise _failed("if-unmodified-since")


def _is_known(request: Request, info: BlobInfo, prefix: str) -> bool:
    none_match = request.header(f"{prefix}if-none-match")
    if none_match:
        return _names(none_match, info)
    since = _date(request.header(f"{prefix}if-modified-since"))
    return since is not None and _seconds(info) <= since


def _names(etags: str, info: BlobInfo) -> bool:
    return etags.strip() == "*" or info.etag in map(unquoted, etags.split(","))


def _seconds(info: BlobInfo) -> dt.datetime:
    return info.modified_at.replace(microsecond=0)


def _date(text: str) -> dt.datetime | None:
    """None for what is no date: such a condition does not count."""
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def _failed(condition: str) -> S3Error:
    return S3Error("PreconditionFailed", 412, f"{condition} does not hold")
