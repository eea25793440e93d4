"""Reads of one part of an object, by the number that it had in the multipart upload."""

import re
from dataclasses import dataclass

from naiad.service.blobs.errors import InvalidPart
from naiad.service.blobs.port import MAX_PARTS, ObjectInfo, ObjectPart
from naiad.service.gateway.s3.checksums import checksum_headers, checksum_type
from naiad.service.gateway.s3.errors import S3Error, invalid_argument
from naiad.service.gateway.s3.ranges import ByteRange
from naiad.service.gateway.s3.s3_call import S3Call


@dataclass(frozen=True)
class FoundPart:
    part: ObjectPart
    start: int
    count: int | None
    """The number of parts; None of an object that was not put in parts."""

    @property
    def byte_range(self) -> ByteRange | None:
        """Returns None for the part of an empty object: no range of it can be named."""
        return ByteRange(self.start, self.part.size) if self.part.size else None

    def headers(self, info: ObjectInfo, *, with_checksums: bool) -> dict[str, str]:
        headers = {} if self.count is None else {"x-amz-mp-parts-count": str(self.count)}
        if with_checksums and self.part.checksums:
            headers |= checksum_headers(self.part.checksums) | {"x-amz-checksum-type": checksum_type(info.checksums)}
        return headers


def find_part(call: S3Call, info: ObjectInfo) -> FoundPart | None:
    """Blocks. Returns the part that the request names; None where it names none. Raises S3Error, InvalidPart."""
    text = call.query_param("partNumber")
    if text is None:
        return None
    if not re.fullmatch(r"\d{1,5}", text) or not 1 <= int(text) <= MAX_PARTS:
        raise invalid_argument(f"partNumber {text[:20]!r}: give 1 to {MAX_PARTS}")
    if call.request.header("range"):
        raise S3Error("InvalidRequest", 400, "partNumber and range are given: give one of them")
    parts = call.blobs.object_parts(call.bucket, call.key) if "-" in info.etag else ()
    if not parts:
        return _whole_object(int(text), info)
    start = 0
    for part in parts:
        if part.number == int(text):
            return FoundPart(part, start, len(parts))
        start += part.size
    raise InvalidPart(f"the object has {len(parts)} parts, and none of the number {text}")


def _whole_object(number: int, info: ObjectInfo) -> FoundPart:
    if number > 1:
        raise InvalidPart(f"the object was put whole, so there is no part {number}: ask for part 1, or a range")
    return FoundPart(ObjectPart(1, info.size, info.checksums), 0, None)
