"""ListObjectVersions: every object is the one version of itself, as in a bucket of AWS that never had versions."""

from naiad.service.blobs.port import ObjectInfo
from naiad.service.gateway.http.response import Response
from naiad.service.gateway.s3.errors import invalid_argument
from naiad.service.gateway.s3.key_encoding import KeyEncoding, key_encoding
from naiad.service.gateway.s3.list_objects import MAX_KEYS, common_prefix_rows, object_facts, read_page
from naiad.service.gateway.s3.owner import owner_element
from naiad.service.gateway.s3.s3_call import S3Call, xml_response
from naiad.service.gateway.s3.xml import Node, element, optional_element

NULL_VERSION = "null"
"""The id of the only version of an object."""


async def list_object_versions(call: S3Call) -> Response:
    return await call.threads.run(lambda: _list_object_versions(call))


def _list_object_versions(call: S3Call) -> Response:
    key_marker, version_marker = call.query_param("key-marker") or "", call.query_param("version-id-marker") or ""
    if version_marker and not key_marker:
        raise invalid_argument("a version-id-marker needs a key-marker")
    encoding, limit = key_encoding(call), call.limit_param("max-keys", max_value=MAX_KEYS)
    page = read_page(call, key_marker, limit)
    is_truncated = page.next_start_after is not None
    return xml_response(
        element(
            "ListVersionsResult",
            element("Name", call.bucket),
            element("Prefix", encoding.encode(call.query_param("prefix") or "")),
            element("KeyMarker", encoding.encode(key_marker)),
            element("VersionIdMarker", version_marker),
            optional_element("NextKeyMarker", encoding.encode(page.next_start_after or "")),
            optional_element("NextVersionIdMarker", NULL_VERSION if is_truncated else None),
            element("MaxKeys", limit),
            optional_element("Delimiter", encoding.encode(call.query_param("delimiter") or "")),
            encoding.node,
            element("IsTruncated", "true" if is_truncated else "false"),
            *(_version_row(info, encoding) for info in page.objects),
            *common_prefix_rows(page, encoding),
        )
    )


def _version_row(info: ObjectInfo, encoding: KeyEncoding) -> Node:
    return element(
        "Version",
        element("Key", encoding.encode(info.key)),
        element("VersionId", NULL_VERSION),
        element("IsLatest", "true"),
        *object_facts(info),
        owner_element(),
    )
