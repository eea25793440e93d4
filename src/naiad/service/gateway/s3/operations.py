"""The table of S3's operations: which function answers a method on the service, a bucket or an object; what access it needs."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from naiad.service.domain.errors import NotServed
from naiad.service.gateway.http.response import Response
from naiad.service.gateway.s3 import (
    acl,
    bucket_configuration,
    buckets,
    copy_object,
    delete_objects,
    list_objects,
    list_uploads,
    list_versions,
    multipart_upload,
    object_attributes,
    object_lock,
    objects,
    tagging,
)
from naiad.service.gateway.s3.errors import S3Error, no_such_version
from naiad.service.gateway.s3.permissions import Access
from naiad.service.gateway.s3.s3_call import S3Call

Handler = Callable[[S3Call], Awaitable[Response]]


@dataclass(frozen=True)
class Operation:
    name: str
    handler: Handler
    access: Access


_BUCKET: dict[tuple[str, str], Operation] = {
    ("GET", ""): Operation("ListObjects", list_objects.list_objects, Access.LIST),
    ("GET", "list-type"): Operation("ListObjectsV2", list_objects.list_objects_v2, Access.LIST),
    ("GET", "location"): Operation("GetBucketLocation", buckets.get_bucket_location, Access.VIEW_BUCKET),
    ("GET", "uploads"): Operation("ListMultipartUploads", list_uploads.list_multipart_uploads, Access.LIST),
    ("GET", "versions"): Operation("ListObjectVersions", list_versions.list_object_versions, Access.LIST),
    ("GET", "acl"): Operation("GetBucketAcl", acl.get_bucket_acl, Access.MANAGE_BUCKETS),
    ("PUT", "acl"): Operation("PutBucketAcl", acl.put_bucket_acl, Access.MANAGE_BUCKETS),
    ("PUT", ""): Operation("CreateBucket", buckets.create_bucket, Access.MANAGE_BUCKETS),
    ("HEAD", ""): Operation("HeadBucket", buckets.head_bucket, Access.VIEW_BUCKET),
    ("DELETE", ""): Operation("DeleteBucket", buckets.delete_bucket, Access.MANAGE_BUCKETS),
    ("POST", "delete"): Operation("DeleteObjects", delete_objects.delete_objects, Access.VIEW_BUCKET),
    **{
        (method, name): Operation(operation, handler, access)
        for name, one in bucket_configuration.CONFIGURATIONS.items()
        for method, operation, handler, access in (
            ("GET", one.get, bucket_configuration.get_configuration, Access.VIEW_BUCKET),
            ("PUT", one.put, bucket_configuration.put_configuration, Access.MANAGE_BUCKETS),
            ("DELETE", one.delete, bucket_configuration.delete_configuration, Access.MANAGE_BUCKETS),
        )
        if operation
    },
}
"""Keys: method and subresource. DeleteObjects checks its access key by key."""
_OBJECT: dict[tuple[str, str], Operation] = {
    ("GET", ""): Operation("GetObject", objects.get_object, Access.READ),
    ("GET", "partNumber"): Operation("GetObject", objects.get_object, Access.READ),
    ("GET", "uploadId"): Operation("ListParts", list_uploads.list_parts, Access.WRITE),
    ("GET", "acl"): Operation("GetObjectAcl", acl.get_object_acl, Access.READ),
    ("PUT", "acl"): Operation("PutObjectAcl", acl.put_object_acl, Access.WRITE),
    ("GET", "attributes"): Operation("GetObjectAttributes", object_attributes.get_object_attributes, Access.READ),
    ("GET", "tagging"): Operation("GetObjectTagging", tagging.get_object_tagging, Access.READ),
    ("PUT", "tagging"): Operation("PutObjectTagging", tagging.put_object_tagging, Access.WRITE),
    ("DELETE", "tagging"): Operation("DeleteObjectTagging", tagging.delete_object_tagging, Access.WRITE),
    ("GET", "retention"): Operation("GetObjectRetention", object_lock.refuse_lock, Access.READ),
    ("GET", "legal-hold"): Operation("GetObjectLegalHold", object_lock.refuse_lock, Access.READ),
    ("HEAD", ""): Operation("HeadObject", objects.head_object, Access.READ),
    ("HEAD", "partNumber"): Operation("HeadObject", objects.head_object, Access.READ),
    ("PUT", ""): Operation("PutObject", objects.put_object, Access.WRITE),
    ("PUT", "uploadId"): Operation("UploadPart", multipart_upload.upload_part, Access.WRITE),
    ("POST", "uploads"): Operation("CreateMultipartUpload", multipart_upload.create_multipart_upload, Access.WRITE),
    ("POST", "uploadId"): Operation(
        "CompleteMultipartUpload", multipart_upload.complete_multipart_upload, Access.WRITE
    ),
    ("DELETE", ""): Operation("DeleteObject", objects.delete_object, Access.WRITE),
    ("DELETE", "uploadId"): Operation("AbortMultipartUpload", multipart_upload.abort_multipart_upload, Access.WRITE),
}
_COPIES = {
    "": Operation("CopyObject", copy_object.copy_object, Access.WRITE),
    "uploadId": Operation("UploadPartCopy", multipart_upload.upload_part_copy, Access.WRITE),
}
"""Operations of a PUT of an object that names a source, by subresource."""
_LIST_BUCKETS = Operation("ListBuckets", buckets.list_buckets, Access.MANAGE_BUCKETS)
_NO_SUBRESOURCES = ("uploadId", "partNumber", "list-type")
# fmt: off
_SUBRESOURCES = {
    *(name for _, name in (*_BUCKET, *_OBJECT) if name and name not in _NO_SUBRESOURCES),
    "abac", "annotation", "metadataConfiguration", "metadataTable", "renameObject", "restore", "select", "session", "torrent",
}
# fmt: on
"""Parameters of the query that select another operation; those without a row above are not served."""


def operation_names() -> list[str]:
    """Returns the names of all operations that are served, sorted."""
    return sorted({one.name for one in (*_BUCKET.values(), *_OBJECT.values(), *_COPIES.values(), _LIST_BUCKETS)})


def find_operation(call: S3Call) -> Operation:
    """Raises NotServed, and S3Error for a version or a method that there is not."""
    method = call.request.method
    if not call.bucket:
        if method == "GET" and not call.key:
            return _LIST_BUCKETS
        raise S3Error("MethodNotAllowed", 405, f"{method} is not allowed on the service")
    if call.query_param("versionId") not in (None, "", "null"):
        raise no_such_version()
    subresource = _subresource(call)
    if call.key and method == "PUT" and subresource in _COPIES and copy_object.is_copy(call):
        return _COPIES[subresource]
    operation = (_OBJECT if call.key else _BUCKET).get((method, subresource))
    if operation is None:
        target = "an object" if call.key else "a bucket"
        raise NotServed(f"{method} of {target}{subresource and f' with ?{subresource}'} is not served")
    return operation


def _subresource(call: S3Call) -> str:
    names = [name for name, _ in call.request.query_pairs]
    subresource = next((name for name in names if name in _SUBRESOURCES), None)
    if subresource is not None:
        return subresource
    if call.key:
        return next((name for name in ("uploadId", "partNumber") if name in names), "")
    return "list-type" if call.query_param("list-type") == "2" else ""
