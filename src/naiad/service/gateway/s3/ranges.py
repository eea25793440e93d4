"""Ranges of bytes: the header Range, and x-amz-copy-source-range."""

import re
from dataclasses import dataclass

from naiad.service.gateway.s3.errors import S3Error, invalid_argument

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")


@dataclass(frozen=True)
class ByteRange:
    start: int
    length: int

    def content_range(self, size: int) -> str:
        """Returns the value of Content-Range for an object of ``size`` bytes."""
        return f"bytes {self.start}-{self.start + self.length - 1}/{size}"


def parse_range(text: str, size: int) -> ByteRange | None:
    """Returns None for a range that is ignored: empty, several, another unit. Raises S3Error for one outside the object."""
    match = _RANGE.fullmatch(text.strip())
    if not match or match[1] == match[2] == "":
        return None
    if match[1] == "":
        start, end = max(0, size - int(match[2])), size
    else:
        start, end = int(match[1]), min(size, int(match[2]) + 1 if match[2] else size)
        if match[2] and int(match[2]) < start:
            return None
    if start >= size or end <= start:
        headers = {"content-range": f"bytes */{size}"}
        raise S3Error("InvalidRange", 416, f"range {text[:40]} of an object of {size} bytes", headers=headers)
    return ByteRange(start, end - start)


def parse_copy_range(text: str, size: int) -> ByteRange:
    """Returns the whole object for "". Raises S3Error for anything but one closed range inside the source."""
    if not text:
        return ByteRange(0, size)
    match = _RANGE.fullmatch(text.strip())
    if not match or not match[1] or not match[2] or int(match[1]) > int(match[2]):
        raise invalid_argument(f"x-amz-copy-source-range {text[:40]!r}: give bytes=first-last")
    if int(match[2]) >= size:
        raise S3Error("InvalidRange", 416, f"x-amz-copy-source-range {text[:40]}: the source has {size} bytes")
    return ByteRange(int(match[1]), int(match[2]) + 1 - int(match[1]))
