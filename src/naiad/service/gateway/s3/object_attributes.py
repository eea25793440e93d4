"""GetObjectAttributes: size, ETag, checksum and parts of an object without its content."""

from naiad.service.blobs.customer_key import check_key
from naiad.service.blobs.port import ObjectInfo, ObjectPart
from naiad.service.gateway.http.response import Response
from naiad.service.gateway.s3.checksums import checksum_type
from naiad.service.gateway.s3.conditions import check_read_conditions
from naiad.service.gateway.s3.encryption import check_no_encryption_headers, customer_key
from naiad.service.gateway.s3.errors import invalid_argument
from naiad.service.gateway.s3.headers import format_http_date, storage_class_of
from naiad.service.gateway.s3.multipart_upload import checksum_rows
from naiad.service.gateway.s3.s3_call import S3Call, xml_response
from naiad.service.gateway.s3.xml import Node, element

_NAMES = ("ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize")
_MAX_PARTS = 1000


async def get_object_attributes(call: S3Call) -> Response:
    names = [name.strip() for name in call.request.header("x-amz-object-attributes").split(",")]
    if not all(name in _NAMES for name in names):
        raise invalid_argument(f"x-amz-object-attributes {','.join(names)[:80]!r}: give some of {', '.join(_NAMES)}")
    check_no_encryption_headers(call.request)
    key = customer_key(call.request)
    limit, marker = _number(call, "x-amz-max-parts", _MAX_PARTS), _number(call, "x-amz-part-number-marker", 0)
    info = await call.threads.run(lambda: call.blobs.head(call.bucket, call.key))
    check_read_conditions(call.request, info)
    check_key(key, info.key_seal)
    is_multipart = "-" in info.etag
    parts = (
        await call.threads.run(lambda: call.blobs.object_parts(call.bucket, call.key))
        if is_multipart and "ObjectParts" in names
        else ()
    )
    rows = [
        element("ETag", info.etag) if "ETag" in names else None,
        _checksum(info) if "Checksum" in names and info.checksums else None,
        _object_parts(parts, marker, min(limit, _MAX_PARTS)) if parts else None,
        element("StorageClass", storage_class_of(info.headers)) if "StorageClass" in names else None,
        element("ObjectSize", info.size) if "ObjectSize" in names else None,
    ]
    response = xml_response(element("GetObjectAttributesResponse", *rows))
    return response.with_headers({"last-modified": format_http_date(info.modified_at)})


def _checksum(info: ObjectInfo) -> Node:
    return element("Checksum", *checksum_rows(info.checksums), element("ChecksumType", checksum_type(info.checksums)))


def _object_parts(parts: tuple[ObjectPart, ...], marker: int, limit: int) -> Node:
    later = [part for part in parts if part.number > marker]
    page = later[:limit]
    return element(
        "ObjectParts",
        element("PartsCount", len(parts)),
        element("PartNumberMarker", marker),
        element("NextPartNumberMarker", page[-1].number if page else marker),
        element("MaxParts", limit),
        element("IsTruncated", "true" if len(later) > limit else "false"),
        *(
            element(
                "Part",
                element("PartNumber", part.number),
                element("Size", part.size),
                *checksum_rows(part.checksums),
            )
            for part in page
        ),
    )


def _number(call: S3Call, name: str, default: int) -> int:
    text = call.request.header(name)
    if not text:
        return default
    if not text.isdecimal() or len(text) > 6:
        raise invalid_argument(f"{name} {text[:20]!r}: give a number of 0 or more")
    return int(text)
