"""Delete many objects with one call."""

from naiad.service.domain.errors import Denied, Invalid
from naiad.service.gateway.request import Response
from naiad.service.gateway.s3.call import Call, xml_response
from naiad.service.gateway.s3.errors import malformed
from naiad.service.gateway.s3.permissions import Access
from naiad.service.gateway.s3.xml import Node, element

_MOST_KEYS = 1000


async def delete_objects(call: Call) -> Response:
    """Each key by itself: one that may not be deleted is told, and the others are gone."""
    root = await call.xml_body()
    keys = [node.value("Key") or "" for node in root.all("Object")]
    if root.name != "Delete" or not 1 <= len(keys) <= _MOST_KEYS:
        raise malformed(f"Delete has 1 to {_MOST_KEYS} objects, not {len(keys)}")
    is_quiet = (root.value("Quiet") or "").strip().lower() == "true"
    results = await call.threads.run(lambda: [_deleted(call, key) for key in keys])
    shown = [node for node in results if node.name == "Error" or not is_quiet]
    return xml_response(element("DeleteResult", *shown))


def _deleted(call: Call, key: str) -> Node:
    try:
        call.demand(Access.WRITE, call.bucket, key)
        call.blobs.delete(call.bucket, key)
    except Denied as error:
        return _error(key, "AccessDenied", error)
    except Invalid as error:
        return _error(key, "InvalidArgument", error)
    return element("Deleted", element("Key", key))


def _error(key: str, code: str, error: Exception) -> Node:
    return element("Error", element("Key", key), element("Code", code), element("Message", str(error)))
