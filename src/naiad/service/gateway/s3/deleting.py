"""Delete many objects with one call."""

from naiad.service.blobs.errors import NoSuchKey, PreconditionFailed
from naiad.service.blobs.port import Condition
from naiad.service.domain.errors import Denied, Invalid, NotServed
from naiad.service.gateway.request import Response
from naiad.service.gateway.s3.call import Call, xml_response
from naiad.service.gateway.s3.errors import S3Error, code_of, malformed, no_such_version
from naiad.service.gateway.s3.headers import etag_condition
from naiad.service.gateway.s3.permissions import Access
from naiad.service.gateway.s3.xml import Node, element

_MOST_KEYS = 1000


async def delete_objects(call: Call) -> Response:
    """Each key by itself: one that may not be deleted is told, and the others are gone."""
    root = await call.xml_body()
    asked = root.all("Object")
    if root.name != "Delete" or not 1 <= len(asked) <= _MOST_KEYS:
        raise malformed(f"Delete has 1 to {_MOST_KEYS} objects, not {len(asked)}")
    is_quiet = (root.value("Quiet") or "").strip().lower() == "true"
    results = await call.threads.run(lambda: [_deleted(call, one) for one in asked])
    shown = [node for node in results if node.name == "Error" or not is_quiet]
    return xml_response(element("DeleteResult", *shown))


def _deleted(call: Call, asked: Node) -> Node:
    key = asked.value("Key") or ""
    try:
        call.demand(Access.WRITE, call.bucket, key)
        call.blobs.delete(call.bucket, key, condition=_condition(asked))
    except (Denied, Invalid, NotServed, PreconditionFailed, NoSuchKey, S3Error) as error:
        return element("Error", element("Key", key), element("Code", code_of(error)[0]), element("Message", str(error)))
    return element("Deleted", element("Key", key))


def _condition(asked: Node) -> Condition:
    """Raises NotServed for the conditions that AWS has for directory buckets alone, S3Error for a version."""
    for name in ("LastModifiedTime", "Size"):
        if asked.value(name):
            raise NotServed(f"{name} of a deletion is not served; give ETag")
    if asked.value("VersionId") not in (None, "", "null"):
        raise no_such_version()
    return etag_condition(asked.value("ETag") or "")
