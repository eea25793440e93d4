"""The two parts of an S3 URI: ``s3://bucket/key``, or the https URL that AWS has for the same."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from naiad.service.domain.errors import Invalid

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_HOST = re.compile(
    r"(?:(?P<bucket>[^/]+)\.)?s3(?:[.-](?:dualstack\.)?[a-z]{2}(?:-[a-z]+)+-\d)?\.amazonaws\.com(?:\.cn)?",
    re.IGNORECASE,
)
"""A host of S3, with the bucket before it or not: bucket.s3.us-east-1.amazonaws.com, s3-us-west-2.amazonaws.com."""


@dataclass(frozen=True)
class S3Uri:
    bucket: str
    key: str
    """A key, or a prefix of keys; "" is the whole bucket."""

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def parse_s3_uri(text: str, *, at: str) -> S3Uri:
    """``at`` is the place in the request, for the message.

    Raises Invalid for another scheme or host, or a bucket name that S3 does not allow.
    """
    scheme, _, rest = text.partition("://")
    if scheme == "https":
        bucket, key = _parse_https(rest, f"{at} is {text!r}")
    elif scheme == "s3":
        bucket, _, key = rest.partition("/")
    else:
        raise Invalid(f"{at} is {text!r}: only s3://bucket/prefix is served")
    if not _BUCKET.fullmatch(bucket) or ".." in bucket:
        raise Invalid(f"{at} is {text!r}: {bucket!r} is not a bucket name (3 to 63 of a-z, 0-9, . and -)")
    return S3Uri(bucket, key)


def is_s3_uri(text: str) -> bool:
    """Whether ``parse_s3_uri`` accepts it."""
    try:
        parse_s3_uri(text, at="")
    except Invalid:
        return False
    return True


def _parse_https(rest: str, beginning: str) -> tuple[str, str]:
    """Returns (bucket, key) of a URL of S3, path-style or virtual-hosted-style. ``beginning``: that of the message."""
    host, _, path = rest.partition("/")
    match = _HOST.fullmatch(host)
    if match is None or "?" in path or "#" in path:
        raise Invalid(
            f"{beginning}: only s3://bucket/prefix is served, and https://bucket.s3.region.amazonaws.com/prefix without "
            "a query"
        )
    key = unquote(path)
    if match["bucket"] is not None:
        return match["bucket"], key
    bucket, _, key = key.partition("/")
    return bucket, key
