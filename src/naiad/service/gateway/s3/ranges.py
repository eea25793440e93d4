"""Ranges of bytes: the Range header, and x-amz-copy-source-range."""

import re
from dataclasses import dataclass

from naiad.service.gateway.s3.errors import S3Error, bad_argument

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")


@dataclass(frozen=True)
class ByteRange:
    start: int
    length: int

    def content_range(self, size: int) -> str:
        return f"bytes {self.start}-{self.start + self.length - 1}/{size}"


def parse_range(text: str, size: int) -> ByteRange | None:
    """None for what does not count: nothing, several ranges, another unit. Raises S3Error for one outside the object."""
    found = _RANGE.fullmatch(text.strip())
    if not found or found[1] == found[2] == "":
        return None
    if found[1] == "":
        start, end = max(0, size - int(found[2])), size
    else:
        start, end = int(found[1]), min(size, int(found[2]) + 1 if found[2] else size)
        if found[2] and int(found[2]) < start:
            return None
    if start >= size or end <= start:
        headers = {"content-range": f"bytes */{size}"}
        raise S3Error("InvalidRange", 416, f"range {text[:40]} of an object of {size} bytes", headers=headers)
    return ByteRange(start, end - start)


def parse_copy_range(text: str, size: int) -> ByteRange:
    """The whole where nothing is given. Raises S3Error for anything but one closed range inside the source."""
    if not text:
        return ByteRange(0, size)
    found = _RANGE.fullmatch(text.strip())
    if not found or not found[1] or not found[2] or not int(found[1]) <= int(found[2]) < size:
        raise bad_argument(
            f"x-amz-copy-source-range {text[:40]!r}: give bytes=first-last, inside the {size} bytes of the source"
        )
    return ByteRange(int(found[1]), int(found[2]) + 1 - int(found[1]))
