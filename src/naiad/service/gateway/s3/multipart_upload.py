"""CreateMultipartUpload, UploadPart, UploadPartCopy, CompleteMultipartUpload and AbortMultipartUpload."""

import re
from collections.abc import Iterable, Mapping

from naiad.service.blobs.checksums import ALGORITHMS
from naiad.service.blobs.customer_key import check_key
from naiad.service.blobs.errors import NoSuchUpload
from naiad.service.blobs.port import MAX_PARTS, CompletedPart, ObjectInfo, Part, Upload
from naiad.service.gateway.http.response import Response
from naiad.service.gateway.s3.checksums import (
    checksum_algorithm,
    checksum_headers,
    checksum_type,
    expected_checksums,
    header_checksums,
)
from naiad.service.gateway.s3.copy_object import copy_to_part
from naiad.service.gateway.s3.default_encryption import with_default_encryption
from naiad.service.gateway.s3.encryption import customer_key, encryption_response_headers
from naiad.service.gateway.s3.errors import invalid_argument, malformed_xml
from naiad.service.gateway.s3.headers import object_attributes, unquote_etag, write_condition
from naiad.service.gateway.s3.objects import MAX_PUT_BYTES
from naiad.service.gateway.s3.s3_call import S3Call, xml_response
from naiad.service.gateway.s3.xml import Node, element

_FULL_OBJECT_ONLY = "crc64nvme"
"""The algorithm that has no checksum of checksums."""


async def create_multipart_upload(call: S3Call) -> Response:
    attributes, algorithm = object_attributes(call.request), checksum_algorithm(call.request)
    wanted_type = call.request.header("x-amz-checksum-type").upper()
    full_object = wanted_type == "FULL_OBJECT" or algorithm == _FULL_OBJECT_ONLY
    if full_object and algorithm in ("sha1", "sha256"):
        raise invalid_argument(f"a checksum of the full object is not possible with {algorithm}")
    upload = await call.threads.run(
        lambda: call.blobs.start_upload(
            call.bucket,
            call.key,
            attributes=with_default_encryption(call.blobs, call.bucket, attributes),
            algorithm=algorithm,
            full_object=full_object,
        )
    )
    root = element("InitiateMultipartUploadResult", *upload_name_rows(upload), element("UploadId", upload.upload_id))
    encryption = encryption_response_headers(call.request, upload.headers)
    return xml_response(root).with_headers({**_planned_checksum_headers(upload), **encryption})


async def upload_part(call: S3Call) -> Response:
    number, upload_id = _part_number(call), call.query_param("uploadId") or ""
    key = customer_key(call.request)
    upload = await call.threads.run(lambda: call.blobs.get_upload(call.bucket, call.key, upload_id))
    expected = expected_checksums(call.request, call.trailers)
    if upload.algorithm and upload.algorithm not in expected:
        expected = expected.with_computed(upload.algorithm)

    def put(content: Iterable[bytes]) -> Part:
        return call.blobs.put_part(upload, number, content, checksums=expected, customer_key=key)

    part = await call.threads.receive(call.open_body(MAX_PUT_BYTES), put)
    encryption = encryption_response_headers(call.request, upload.headers)
    return Response(200, {"etag": f'"{part.etag}"', **checksum_headers(part.checksums), **encryption})


async def upload_part_copy(call: S3Call) -> Response:
    return await copy_to_part(call, _part_number(call), call.query_param("uploadId") or "")


async def complete_multipart_upload(call: S3Call) -> Response:
    parts = _completed_parts(await call.read_xml_unchecked())
    upload_id = call.query_param("uploadId") or ""
    checksums, condition = header_checksums(call.request), write_condition(call.request)
    key = customer_key(call.request)

    def complete() -> ObjectInfo:
        _check_completion_key(call, upload_id, key)
        return call.blobs.complete_upload(
            call.bucket, call.key, upload_id, parts, checksums=checksums, condition=condition
        )

    info = await call.threads.run(complete)
    return xml_response(
        element(
            "CompleteMultipartUploadResult",
            element("Location", f"http://{call.request.header('host')}{call.request.path}"),
            element("Bucket", info.bucket),
            element("Key", info.key),
            element("ETag", f'"{info.etag}"'),
            *checksum_rows(info.checksums),
            element("ChecksumType", checksum_type(info.checksums)) if info.checksums else None,
        )
    ).with_headers(encryption_response_headers(call.request, info.headers))


async def abort_multipart_upload(call: S3Call) -> Response:
    upload_id = call.query_param("uploadId") or ""
    await call.threads.run(lambda: call.blobs.abort_upload(call.bucket, call.key, upload_id))
    return Response(204, {})


def upload_name_rows(upload: Upload) -> list[Node]:
    return [element("Bucket", upload.bucket), element("Key", upload.key)]


def planned_checksum_type(upload: Upload) -> str:
    """Returns the type of the checksum that the object will have."""
    return "FULL_OBJECT" if upload.full_object else "COMPOSITE"


def checksum_rows(checksums: Mapping[str, str]) -> list[Node]:
    return [element(f"Checksum{name.upper()}", value) for name, value in checksums.items()]


def _check_completion_key(call: S3Call, upload_id: str, key: bytes | None) -> None:
    """Raises CustomerKeyMismatch for a wrong key. As on AWS, it may be left out where the upload has no checksums."""
    try:
        upload = call.blobs.get_upload(call.bucket, call.key, upload_id)
    except NoSuchUpload:
        return  # it is completed, or complete_upload says that there is none
    if key is not None or (upload.key_seal is not None and upload.algorithm is not None):
        check_key(key, upload.key_seal)


def _part_number(call: S3Call) -> int:
    """Raises S3Error."""
    text = call.query_param("partNumber") or ""
    if not re.fullmatch(r"\d{1,5}", text) or not 1 <= int(text) <= MAX_PARTS:
        raise invalid_argument(f"partNumber {text[:20]!r}: give 1 to {MAX_PARTS}")
    return int(text)


def _completed_parts(root: Node) -> list[CompletedPart]:
    rows = root.all("Part")
    if root.name != "CompleteMultipartUpload" or not 1 <= len(rows) <= MAX_PARTS:
        raise malformed_xml(f"CompleteMultipartUpload has 1 to {MAX_PARTS} parts, not {len(rows)}")
    return [_completed_part(row) for row in rows]


def _completed_part(row: Node) -> CompletedPart:
    number, etag = (row.value("PartNumber") or "").strip(), row.value("ETag")
    if not re.fullmatch(r"\d{1,5}", number) or etag is None:
        raise malformed_xml("each part has a PartNumber and an ETag")
    checksums = {name: value for name in ALGORITHMS if (value := row.value(f"Checksum{name.upper()}"))}
    return CompletedPart(int(number), unquote_etag(etag), checksums)


def _planned_checksum_headers(upload: Upload) -> dict[str, str]:
    if not upload.algorithm:
        return {}
    return {
        "x-amz-checksum-algorithm": upload.algorithm.upper(),
        "x-amz-checksum-type": planned_checksum_type(upload),
    }
