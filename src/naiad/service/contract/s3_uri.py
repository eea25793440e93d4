"""The two parts of an ``s3://bucket/key`` URI."""

import re
from dataclasses import dataclass

from naiad.service.domain.errors import Invalid

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


@dataclass(frozen=True)
class S3Uri:
    bucket: str
    key: str
    """A key, or a prefix of keys; "" is the whole bucket."""


def parse_s3_uri(text: str, *, at: str) -> S3Uri:
    """``at`` is the place in the request, for the message.

    Raises Invalid for another scheme or a bucket name that S3 does not allow.
    """
    scheme, _, rest = text.partition("://")
    if scheme != "s3":
        raise Invalid(f"{at} is {text!r}: only s3://bucket/prefix is served")
    bucket, _, key = rest.partition("/")
    if not _BUCKET.fullmatch(bucket) or ".." in bucket:
        raise Invalid(f"{at} is {text!r}: {bucket!r} is not a bucket name (3 to 63 of a-z, 0-9, . and -)")
    return S3Uri(bucket, key)
