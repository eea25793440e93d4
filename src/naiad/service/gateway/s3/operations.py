"""The table of S3's operations: which function answers a method on the service, a bucket or an object; what access it needs."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from naiad.service.domain.errors import NotServed
from naiad.service.domain.scope import Scope
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
from naiad.service.gateway.s3.permissions import SCOPE_OF_ACCESS, Access
from naiad.service.gateway.s3.s3_call import S3Call

Handler = Callable[[S3Call], Awaitable[Response]]


@dataclass(frozen=True)
class Operation:
    name: str
    handler: Handler
    access: Access
    not_served: str = ""
    """Parts of AWS's operation that are not served, or have no effect, in a few words for the page of operations."""


_ONE_ACCOUNT = "grants to anybody but the one account"
_NO_VERSIONS = "versions: there is one of each object, `null`"
_NO_EFFECT = "object lock; SSE-S3, SSE-KMS and storage classes are kept and said back, without effect"
_NO_LOCKS = "objects cannot be locked"

_BUCKET: dict[tuple[str, str], Operation] = {
    ("GET", ""): Operation("ListObjects", list_objects.list_objects, Access.LIST),
    ("GET", "list-type"): Operation("ListObjectsV2", list_objects.list_objects_v2, Access.LIST),
    ("GET", "location"): Operation("GetBucketLocation", buckets.get_bucket_location, Access.VIEW_BUCKET),
    ("GET", "uploads"): Operation(
        "ListMultipartUploads", list_uploads.list_multipart_uploads, Access.LIST, "a delimiter"
    ),
    ("GET", "versions"): Operation("ListObjectVersions", list_versions.list_object_versions, Access.LIST, _NO_VERSIONS),
    ("GET", "acl"): Operation("GetBucketAcl", acl.get_bucket_acl, Access.MANAGE_BUCKETS),
    ("PUT", "acl"): Operation("PutBucketAcl", acl.put_bucket_acl, Access.MANAGE_BUCKETS, _ONE_ACCOUNT),
    ("PUT", ""): Operation(
        "CreateBucket", buckets.create_bucket, Access.MANAGE_BUCKETS, f"object lock; {_ONE_ACCOUNT}"
    ),
    ("HEAD", ""): Operation("HeadBucket", buckets.head_bucket, Access.VIEW_BUCKET),
    ("DELETE", ""): Operation("DeleteBucket", buckets.delete_bucket, Access.MANAGE_BUCKETS),
    ("POST", "delete"): Operation("DeleteObjects", delete_objects.delete_objects, Access.WRITE_SOME, _NO_VERSIONS),
    **{
        (method, name): Operation(operation, handler, access, note)
        for name, one in bucket_configuration.CONFIGURATIONS.items()
        for method, operation, handler, access, note in (
            ("GET", one.get, bucket_configuration.get_configuration, Access.VIEW_BUCKET, one.answer_without),
            ("PUT", one.put, bucket_configuration.put_configuration, Access.MANAGE_BUCKETS, one.not_served),
            ("DELETE", one.delete, bucket_configuration.delete_configuration, Access.MANAGE_BUCKETS, ""),
        )
        if operation
    },
}
"""Keys: method and subresource. DeleteObjects checks its access key by key."""
_OBJECT: dict[tuple[str, str], Operation] = {
    ("GET", ""): Operation("GetObject", objects.get_object, Access.READ, _NO_VERSIONS),
    ("GET", "partNumber"): Operation("GetObject", objects.get_object, Access.READ, _NO_VERSIONS),
    ("GET", "uploadId"): Operation("ListParts", list_uploads.list_parts, Access.WRITE),
    ("GET", "acl"): Operation("GetObjectAcl", acl.get_object_acl, Access.READ, _NO_VERSIONS),
    ("PUT", "acl"): Operation("PutObjectAcl", acl.put_object_acl, Access.WRITE, f"{_NO_VERSIONS}; {_ONE_ACCOUNT}"),
    ("GET", "attributes"): Operation(
        "GetObjectAttributes", object_attributes.get_object_attributes, Access.READ, _NO_VERSIONS
    ),
    ("GET", "tagging"): Operation("GetObjectTagging", tagging.get_object_tagging, Access.READ, _NO_VERSIONS),
    ("PUT", "tagging"): Operation("PutObjectTagging", tagging.put_object_tagging, Access.WRITE, _NO_VERSIONS),
    ("DELETE", "tagging"): Operation("DeleteObjectTagging", tagging.delete_object_tagging, Access.WRITE, _NO_VERSIONS),
    ("GET", "retention"): Operation("GetObjectRetention", object_lock.refuse_lock, Access.READ, _NO_LOCKS),
    ("GET", "legal-hold"): Operation("GetObjectLegalHold", object_lock.refuse_lock, Access.READ, _NO_LOCKS),
    ("HEAD", ""): Operation("HeadObject", objects.head_object, Access.READ, _NO_VERSIONS),
    ("HEAD", "partNumber"): Operation("HeadObject", objects.head_object, Access.READ, _NO_VERSIONS),
    ("PUT", ""): Operation("PutObject", objects.put_object, Access.WRITE, _NO_EFFECT),
    ("PUT", "uploadId"): Operation("UploadPart", multipart_upload.upload_part, Access.WRITE),
    ("POST", "uploads"): Operation(
        "CreateMultipartUpload", multipart_upload.create_multipart_upload, Access.WRITE, _NO_EFFECT
    ),
    ("POST", "uploadId"): Operation(
        "CompleteMultipartUpload", multipart_upload.complete_multipart_upload, Access.WRITE
    ),
    ("DELETE", ""): Operation("DeleteObject", objects.delete_object, Access.WRITE, _NO_VERSIONS),
    ("DELETE", "uploadId"): Operation("AbortMultipartUpload", multipart_upload.abort_multipart_upload, Access.WRITE),
}
_COPIES = {
    "": Operation("CopyObject", copy_object.copy_object, Access.WRITE, f"{_NO_VERSIONS}; {_NO_EFFECT}"),
    "uploadId": Operation("UploadPartCopy", multipart_upload.upload_part_copy, Access.WRITE, _NO_VERSIONS),
}
"""Operations of a PUT of an object that names a source, by subresource."""
_LIST_BUCKETS = Operation("ListBuckets", buckets.list_buckets, Access.LIST_BUCKETS)
_NO_SUBRESOURCES = ("uploadId", "partNumber", "list-type")
# fmt: off
_SUBRESOURCES = {
    *(name for _, name in (*_BUCKET, *_OBJECT) if name and name not in _NO_SUBRESOURCES),
    "abac", "annotation", "metadataConfiguration", "metadataTable", "renameObject", "restore", "select", "session", "torrent",
}
# fmt: on
"""Parameters of the query that select another operation; those without a row above are not served."""


def operation_notes() -> dict[str, str]:
    """Returns what is not served of each operation, by its name."""
    return {one.name: one.not_served for one in _rows()}


def operation_scopes() -> dict[str, Scope]:
    """Returns the scope that a key needs for each operation, by its name."""
    return {one.name: SCOPE_OF_ACCESS[one.access] for one in _rows()}


def _rows() -> tuple[Operation, ...]:
    return (*_BUCKET.values(), *_OBJECT.values(), *_COPIES.values(), _LIST_BUCKETS)


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
