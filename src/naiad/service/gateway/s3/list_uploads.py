"""ListParts and ListMultipartUploads."""

from collections.abc import Iterable

from naiad.service.blobs.port import MAX_PARTS, Part, Upload
from naiad.service.domain.errors import NotServed
from naiad.service.gateway.http.response import Response
from naiad.service.gateway.s3.headers import storage_class_of
from naiad.service.gateway.s3.key_encoding import key_encoding
from naiad.service.gateway.s3.multipart_upload import checksum_rows, planned_checksum_type, upload_name_rows
from naiad.service.gateway.s3.owner import owner_element
from naiad.service.gateway.s3.s3_call import S3Call, xml_response
from naiad.service.gateway.s3.xml import Node, element, format_time, optional_element

_MAX_ROWS = 1000


async def list_parts(call: S3Call) -> Response:
    return await call.threads.run(lambda: _list_parts(call))


async def list_multipart_uploads(call: S3Call) -> Response:
    return await call.threads.run(lambda: _list_multipart_uploads(call))


def _list_parts(call: S3Call) -> Response:
    upload_id, limit = call.query_param("uploadId") or "", call.limit_param("max-parts", max_value=_MAX_ROWS)
    has_marker = bool(call.query_param("part-number-marker"))
    marker = call.limit_param("part-number-marker", max_value=MAX_PARTS) if has_marker else 0
    upload = call.blobs.get_upload(call.bucket, call.key, upload_id)
    parts = [part for part in call.blobs.list_parts(upload) if part.number > marker]
    page = parts[:limit]
    return xml_response(
        element(
            "ListPartsResult",
            *upload_name_rows(upload),
            element("UploadId", upload_id),
            owner_element(),
            element("PartNumberMarker", marker),
            element("NextPartNumberMarker", page[-1].number if page else marker),
            element("MaxParts", limit),
            element("IsTruncated", "true" if len(parts) > limit else "false"),
            element("StorageClass", storage_class_of(upload.headers)),
            optional_element("ChecksumAlgorithm", (upload.algorithm or "").upper()),
            element("ChecksumType", planned_checksum_type(upload)) if upload.algorithm else None,
            *(_part_row(part) for part in page),
        )
    )


def _list_multipart_uploads(call: S3Call) -> Response:
    if call.query_param("delimiter"):
        raise NotServed("a delimiter in the list of uploads is not served")
    prefix, limit = call.query_param("prefix") or "", call.limit_param("max-uploads", max_value=_MAX_ROWS)
    encoding = key_encoding(call)
    key_marker, id_marker = call.query_param("key-marker") or "", call.query_param("upload-id-marker") or ""
    uploads = _after_marker(call.blobs.list_uploads(call.bucket, prefix=prefix), key_marker, id_marker)
    page, is_truncated = uploads[:limit], len(uploads) > limit
    last = page[-1] if page and is_truncated else None
    return xml_response(
        element(
            "ListMultipartUploadsResult",
            element("Bucket", call.bucket),
            element("KeyMarker", encoding.encode(key_marker)),
            element("UploadIdMarker", id_marker),
            optional_element("NextKeyMarker", encoding.encode(last.key) if last else None),
            optional_element("NextUploadIdMarker", last.upload_id if last else None),
            element("Prefix", encoding.encode(prefix)),
            encoding.node,
            element("MaxUploads", limit),
            element("IsTruncated", "true" if is_truncated else "false"),
            *(_upload_row(upload, encoding.encode(upload.key)) for upload in page),
        )
    )


def _after_marker(uploads: Iterable[Upload], key: str, upload_id: str) -> list[Upload]:
    """Returns the uploads of keys after ``key``, and those of that key after the upload with the id."""
    rows = list(uploads)
    if not key:
        return rows
    ids = [upload.upload_id for upload in rows if upload.key == key]
    later_ids = set(ids[ids.index(upload_id) + 1 :]) if upload_id in ids else set()
    return [upload for upload in rows if upload.key > key or upload.upload_id in later_ids]


def _part_row(part: Part) -> Node:
    return element(
        "Part",
        element("PartNumber", part.number),
        element("LastModified", format_time(part.modified_at)),
        element("ETag", f'"{part.etag}"'),
        element("Size", part.size),
        *checksum_rows(part.checksums),
    )


def _upload_row(upload: Upload, key: str) -> Node:
    return element(
        "Upload",
        element("Key", key),
        element("UploadId", upload.upload_id),
        owner_element(),
        element("StorageClass", storage_class_of(upload.headers)),
        element("Initiated", format_time(upload.started_at)),
    )
