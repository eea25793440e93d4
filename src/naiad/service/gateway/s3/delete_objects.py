"""DeleteObjects: many objects with one call."""

from naiad.service.blobs.errors import NoSuchKey, PreconditionFailed
from naiad.service.blobs.port import WriteCondition
from naiad.service.domain.errors import AccessDenied, Invalid
from naiad.service.gateway.http.response import Response
from naiad.service.gateway.s3.errors import S3Error, malformed_xml, no_such_version, s3_error_code
from naiad.service.gateway.s3.headers import deletion_condition
from naiad.service.gateway.s3.permissions import Access
from naiad.service.gateway.s3.s3_call import S3Call, xml_response
from naiad.service.gateway.s3.xml import Node, element

_MAX_KEYS = 1000


async def delete_objects(call: S3Call) -> Response:
    """Deletes each key by itself: one that may not be deleted is reported, and the others are deleted."""
    root = await call.read_xml()
    return await call.threads.run(lambda: _delete_all(call, root))


def _delete_all(call: S3Call, root: Node) -> Response:
    rows = root.all("Object")
    if root.name != "Delete" or not 1 <= len(rows) <= _MAX_KEYS:
        raise malformed_xml(f"Delete has 1 to {_MAX_KEYS} objects, not {len(rows)}")
    is_quiet = (root.value("Quiet") or "").strip().lower() == "true"
    results = [_delete(call, row) for row in rows]
    return xml_response(element("DeleteResult", *(one for one in results if one.name == "Error" or not is_quiet)))


def _delete(call: S3Call, row: Node) -> Node:
    key = row.value("Key") or ""
    try:
        call.check_access(Access.WRITE, call.bucket, key)
        call.blobs.delete(call.bucket, key, condition=_condition(row))
    except (AccessDenied, Invalid, PreconditionFailed, NoSuchKey, S3Error) as error:
        code, _ = s3_error_code(error)
        return element("Error", element("Key", key), element("Code", code), element("Message", str(error)))
    return element("Deleted", element("Key", key))


def _condition(row: Node) -> WriteCondition:
    """Raises S3Error for a version, and for values that cannot be read."""
    if row.value("VersionId") not in (None, "", "null"):
        raise no_such_version()
    return deletion_condition(
        row.value("ETag") or "", size=row.value("Size") or "", modified_at=row.value("LastModifiedTime") or ""
    )
