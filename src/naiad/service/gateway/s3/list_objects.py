"""ListObjects and ListObjectsV2."""

import base64
import binascii

from naiad.service.blobs.port import ObjectInfo, ObjectPage
from naiad.service.gateway.http.response import Response
from naiad.service.gateway.s3.checksums import checksum_type
from naiad.service.gateway.s3.errors import invalid_argument
from naiad.service.gateway.s3.headers import storage_class_of
from naiad.service.gateway.s3.key_encoding import KeyEncoding, key_encoding
from naiad.service.gateway.s3.owner import owner_element
from naiad.service.gateway.s3.s3_call import S3Call, xml_response
from naiad.service.gateway.s3.xml import Node, element, format_time, optional_element

MAX_KEYS = 1000


async def list_objects(call: S3Call) -> Response:
    return await call.threads.run(lambda: _list_objects(call))


async def list_objects_v2(call: S3Call) -> Response:
    return await call.threads.run(lambda: _list_objects_v2(call))


def _list_objects(call: S3Call) -> Response:
    """Blocks: a thousand long keys take as long to write as to read."""
    marker = call.query_param("marker") or ""
    encoding, limit = key_encoding(call), call.limit_param("max-keys", max_value=MAX_KEYS)
    page = read_page(call, marker, limit)
    next_marker = encoding.encode(page.next_start_after) if page.next_start_after is not None else None
    return xml_response(
        element(
            "ListBucketResult",
            *_head(call, encoding, limit),
            element("Marker", encoding.encode(marker)),
            optional_element("NextMarker", next_marker),
            *_rows(page, encoding, with_owner=True),
        )
    )


def _list_objects_v2(call: S3Call) -> Response:
    token, start_after = call.query_param("continuation-token"), call.query_param("start-after") or ""
    encoding, limit = key_encoding(call), call.limit_param("max-keys", max_value=MAX_KEYS)
    page = read_page(call, decode_token(token) if token is not None else start_after, limit)
    next_token = encode_token(page.next_start_after) if page.next_start_after is not None else None
    return xml_response(
        element(
            "ListBucketResult",
            *_head(call, encoding, limit),
            element("KeyCount", len(page.objects) + len(page.prefixes)),
            element("ContinuationToken", token) if token is not None else None,
            optional_element("NextContinuationToken", next_token),
            optional_element("StartAfter", encoding.encode(start_after)),
            *_rows(page, encoding, with_owner=call.query_param("fetch-owner") == "true"),
        )
    )


def encode_token(start_after: str) -> str:
    return base64.urlsafe_b64encode(start_after.encode()).decode()


def decode_token(token: str) -> str:
    """Raises S3Error for a token that this server did not give."""
    try:
        return base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        raise invalid_argument("the continuation token is not one that a list gave") from None


def read_page(call: S3Call, start_after: str, limit: int) -> ObjectPage:
    """Blocks."""
    prefix, delimiter = call.query_param("prefix") or "", call.query_param("delimiter") or ""
    return call.blobs.list(call.bucket, prefix=prefix, delimiter=delimiter, start_after=start_after, limit=limit)


def _head(call: S3Call, encoding: KeyEncoding, limit: int) -> list[Node | None]:
    return [
        element("Name", call.bucket),
        element("Prefix", encoding.encode(call.query_param("prefix") or "")),
        optional_element("Delimiter", encoding.encode(call.query_param("delimiter") or "")),
        element("MaxKeys", limit),
        encoding.node,
    ]


def _rows(page: ObjectPage, encoding: KeyEncoding, *, with_owner: bool) -> list[Node]:
    truncated = element("IsTruncated", "true" if page.next_start_after is not None else "false")
    objects = [_object_row(info, encoding, with_owner=with_owner) for info in page.objects]
    return [truncated, *objects, *common_prefix_rows(page, encoding)]


def common_prefix_rows(page: ObjectPage, encoding: KeyEncoding) -> list[Node]:
    return [element("CommonPrefixes", element("Prefix", encoding.encode(prefix))) for prefix in page.prefixes]


def object_facts(info: ObjectInfo) -> list[Node]:
    """Returns what a listing says of an object besides its key and its owner."""
    return [
        element("LastModified", format_time(info.modified_at)),
        element("ETag", f'"{info.etag}"'),
        *(element("ChecksumAlgorithm", name.upper()) for name in info.checksums),
        *([element("ChecksumType", checksum_type(info.checksums))] if info.checksums else []),
        element("Size", info.size),
        element("StorageClass", storage_class_of(info.headers)),
    ]


def _object_row(info: ObjectInfo, encoding: KeyEncoding, *, with_owner: bool) -> Node:
    owner = owner_element() if with_owner else None
    return element("Contents", element("Key", encoding.encode(info.key)), *object_facts(info), owner)
