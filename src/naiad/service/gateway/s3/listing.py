"""List the objects of a bucket, in both versions of the call."""

import base64
import binascii
from dataclasses import dataclass
from urllib.parse import quote

from naiad.service.blobs.port import BlobInfo, BlobPage
from naiad.service.gateway.request import Response
from naiad.service.gateway.s3.buckets import owner
from naiad.service.gateway.s3.call import Call, xml_response
from naiad.service.gateway.s3.errors import bad_argument
from naiad.service.gateway.s3.headers import checksum_type
from naiad.service.gateway.s3.xml import Node, element, iso, optional

_MOST_KEYS = 1000


@dataclass(frozen=True)
class Encoding:
    """encoding-type=url keeps keys that XML cannot say."""

    is_url: bool

    def __call__(self, text: str) -> str:
        return quote(text, safe="/") if self.is_url else text

    @property
    def node(self) -> Node | None:
        return element("EncodingType", "url") if self.is_url else None


async def list_objects(call: Call) -> Response:
    marker = call.asked("marker") or ""
    encoded, limit = encoding(call), call.count("max-keys", most=_MOST_KEYS)
    page = await _page(call, marker, limit)
    next_marker = encoded(page.next_after) if page.next_after is not None else None
    return xml_response(
        element(
            "ListBucketResult",
            *_head(call, encoded, limit),
            element("Marker", encoded(marker)),
            optional("NextMarker", next_marker),
            *_rows(page, encoded, with_owner=True),
        )
    )


async def list_objects_v2(call: Call) -> Response:
    token, start_after = call.asked("continuation-token"), call.asked("start-after") or ""
    encoded, limit = encoding(call), call.count("max-keys", most=_MOST_KEYS)
    page = await _page(call, from_token(token) if token is not None else start_after, limit)
    next_token = to_token(page.next_after) if page.next_after is not None else None
    return xml_response(
        element(
            "ListBucketResult",
            *_head(call, encoded, limit),
            element("KeyCount", len(page.blobs) + len(page.prefixes)),
            optional("ContinuationToken", token),
            optional("NextContinuationToken", next_token),
            optional("StartAfter", encoded(start_after)),
            *_rows(page, encoded, with_owner=call.asked("fetch-owner") == "true"),
        )
    )


def encoding(call: Call) -> Encoding:
    given = call.asked("encoding-type")
    if given not in (None, "", "url"):
        raise bad_argument(f"encoding-type {given[:20]!r}: give url")
    return Encoding(given == "url")


def to_token(after: str) -> str:
    return base64.urlsafe_b64encode(after.encode()).decode()


def from_token(token: str) -> str:
    """Raises S3Error for a token that this door did not give."""
    try:
        return base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        raise bad_argument("the continuation token is not one that a list gave") from None


async def _page(call: Call, after: str, limit: int) -> BlobPage:
    prefix, delimiter = call.asked("prefix") or "", call.asked("delimiter") or ""
    return await call.threads.run(
        lambda: call.blobs.list(call.bucket, prefix=prefix, delimiter=delimiter, after=after, limit=limit)
    )


def _head(call: Call, encoded: Encoding, limit: int) -> list[Node | None]:
    return [
        element("Name", call.bucket),
        element("Prefix", encoded(call.asked("prefix") or "")),
        optional("Delimiter", encoded(call.asked("delimiter") or "")),
        element("MaxKeys", limit),
        encoded.node,
    ]


def _rows(page: BlobPage, encoded: Encoding, *, with_owner: bool) -> list[Node]:
    truncated = element("IsTruncated", "true" if page.next_after is not None else "false")
    blobs = [_row(blob, encoded, with_owner=with_owner) for blob in page.blobs]
    prefixes = [element("CommonPrefixes", element("Prefix", encoded(prefix))) for prefix in page.prefixes]
    return [truncated, *blobs, *prefixes]


def _row(blob: BlobInfo, encoded: Encoding, *, with_owner: bool) -> Node:
    return element(
        "Contents",
        element("Key", encoded(blob.key)),
        element("LastModified", iso(blob.modified_at)),
        element("ETag", f'"{blob.etag}"'),
        *(element("ChecksumAlgorithm", name.upper()) for name in blob.checksums),
        element("ChecksumType", checksum_type(blob.checksums)) if blob.checksums else None,
        element("Size", blob.size),
        element("StorageClass", "STANDARD"),
        owner() if with_owner else None,
    )
