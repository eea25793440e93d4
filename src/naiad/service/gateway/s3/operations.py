"""The table of the S3 door: which function answers a method on the service, a bucket or an object, and what it needs."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from naiad.service.domain.errors import NotServed
from naiad.service.gateway.request import Response
from naiad.service.gateway.s3 import buckets, copying, deleting, listing, multipart, objects, settings
from naiad.service.gateway.s3.call import Call
from naiad.service.gateway.s3.errors import S3Error, no_such_version
from naiad.service.gateway.s3.permissions import Access

Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True)
class Operation:
    name: str
    handler: Handler
    access: Access


_BUCKET: dict[tuple[str, str], Operation] = {
    ("GET", ""): Operation("ListObjects", listing.list_objects, Access.LIST),
    ("GET", "list-type"): Operation("ListObjectsV2", listing.list_objects_v2, Access.LIST),
    ("GET", "location"): Operation("GetBucketLocation", buckets.get_location, Access.LOOK),
    ("GET", "uploads"): Operation("ListMultipartUploads", multipart.list_uploads, Access.LIST),
    ("GET", "versioning"): Operation("GetBucketVersioning", settings.get_versioning, Access.LOOK),
    ("GET", "acl"): Operation("GetBucketAcl", settings.get_bucket_acl, Access.OWN),
    ("PUT", ""): Operation("CreateBucket", buckets.create_bucket, Access.OWN),
    ("HEAD", ""): Operation("HeadBucket", buckets.head_bucket, Access.LOOK),
    ("DELETE", ""): Operation("DeleteBucket", buckets.delete_bucket, Access.OWN),
    ("POST", "delete"): Operation("DeleteObjects", deleting.delete_objects, Access.LOOK),
    **{("GET", asked): Operation(name, settings.absent, Access.LOOK) for asked, (name, _) in settings.ABSENT.items()},
}
_OBJECT: dict[tuple[str, str], Operation] = {
    ("GET", ""): Operation("GetObject", objects.get_object, Access.READ),
    ("GET", "partNumber"): Operation("GetObject", objects.get_object, Access.READ),
    ("GET", "uploadId"): Operation("ListParts", multipart.list_parts, Access.WRITE),
    ("GET", "acl"): Operation("GetObjectAcl", settings.get_object_acl, Access.READ),
    ("GET", "tagging"): Operation("GetObjectTagging", settings.get_object_tags, Access.READ),
    ("HEAD", ""): Operation("HeadObject", objects.head_object, Access.READ),
    ("HEAD", "partNumber"): Operation("HeadObject", objects.head_object, Access.READ),
    ("PUT", ""): Operation("PutObject", objects.put_object, Access.WRITE),
    ("PUT", "uploadId"): Operation("UploadPart", multipart.put_part, Access.WRITE),
    ("POST", "uploads"): Operation("CreateMultipartUpload", multipart.create_upload, Access.WRITE),
    ("POST", "uploadId"): Operation("CompleteMultipartUpload", multipart.complete_upload, Access.WRITE),
    ("DELETE", ""): Operation("DeleteObject", objects.delete_object, Access.WRITE),
    ("DELETE", "uploadId"): Operation("AbortMultipartUpload", multipart.abort_upload, Access.WRITE),
}
_COPIES = {
    "": Operation("CopyObject", copying.copy_object, Access.WRITE),
    "uploadId": Operation("UploadPartCopy", multipart.put_part_copy, Access.WRITE),
}
"""A PUT of an object that names a source."""
_LIST_BUCKETS = Operation("ListBuckets", buckets.list_buckets, Access.OWN)
_NAMED = ("uploadId", "partNumber", "list-type")
_SUBRESOURCES = {
    *(name for _, name in (*_BUCKET, *_OBJECT) if name and name not in _NAMED),
    *(
        "accelerate",
        "analytics",
        "attributes",
        "intelligent-tiering",
        "inventory",
        "legal-hold",
        "logging",
        "metadataTable",
    ),
    *("metrics", "notification", "requestPayment", "restore", "retention", "select", "session", "torrent", "versions"),
    *("abac", "annotation", "metadataConfiguration", "renameObject"),
}
"""Query parameters that make another operation of a call; those without a row above are not served."""


def names() -> list[str]:
    """Of everything that is served, sorted."""
    return sorted({one.name for one in (*_BUCKET.values(), *_OBJECT.values(), *_COPIES.values(), _LIST_BUCKETS)})


def operation_of(call: Call) -> Operation:
    """Raises NotServed, S3Error for a version or a method that is none."""
    method = call.request.method
    if not call.bucket:
        if method == "GET" and not call.key:
            return _LIST_BUCKETS
        raise S3Error("MethodNotAllowed", 405, f"{method} is not allowed on the service")
    if call.asked("versionId") not in (None, "", "null"):
        raise no_such_version()
    what = _subresource(call)
    if call.key and method == "PUT" and what in _COPIES and copying.is_copy(call):
        return _COPIES[what]
    found = (_OBJECT if call.key else _BUCKET).get((method, what))
    if found is None:
        raise NotServed(
            f"{method} of {'an object' if call.key else 'a bucket'}{what and f' with ?{what}'} is not served"
        )
    return found


def _subresource(call: Call) -> str:
    names = [name for name, _ in call.request.query]
    special = next((name for name in names if name in _SUBRESOURCES), None)
    if special is not None:
        return special
    if call.key:
        return next((name for name in ("uploadId", "partNumber") if name in names), "")
    return "list-type" if call.asked("list-type") == "2" else ""
