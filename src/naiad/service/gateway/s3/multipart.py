"""Multipart uploads: start, put parts, list, complete, abort."""

import datetime as dt
import re
from collections.abc import Iterable

from naiad.service.blobs.checksums import ALGORITHMS
from naiad.service.blobs.port import MAX_PARTS, Part, PartClaim, Upload
from naiad.service.domain.errors import NotServed
from naiad.service.gateway.request import Response
from naiad.service.gateway.s3.buckets import owner
from naiad.service.gateway.s3.call import Call, xml_response
from naiad.service.gateway.s3.copying import copy_part
from naiad.service.gateway.s3.errors import bad_argument, malformed
from naiad.service.gateway.s3.headers import (
    algorithm_of,
    attributes,
    checksum_headers,
    checksum_type,
    condition,
    expected_checksums,
    said_checksums,
    unquoted,
)
from naiad.service.gateway.s3.listing import encoding
from naiad.service.gateway.s3.objects import MAX_PUT_BYTES
from naiad.service.gateway.s3.xml import Node, element, iso, optional

_MOST_ROWS = 1000
_WHOLE_ONLY = "crc64nvme"
"""Parts have no checksum of checksums by this one."""


async def create_upload(call: Call) -> Response:
    about, algorithm = attributes(call.request), algorithm_of(call.request)
    kind = call.request.header("x-amz-checksum-type").upper()
    full_object = kind == "FULL_OBJECT" or algorithm == _WHOLE_ONLY
    if full_object and algorithm in ("sha1", "sha256"):
        raise bad_argument(f"a checksum of the full object is not possible with {algorithm}")
    upload = await call.threads.run(
        lambda: call.blobs.start_upload(
            call.bucket,
            call.key,
            content_type=about.content_type,
            metadata=about.metadata,
            headers=about.headers,
            algorithm=algorithm,
            full_object=full_object,
        )
    )
    root = element("InitiateMultipartUploadResult", *_named(upload), element("UploadId", upload.upload_id))
    response = xml_response(root)
    return Response(200, {**response.headers, **_checksum_plan(upload)}, response.body)


async def put_part(call: Call) -> Response:
    number, upload_id = _part_number(call), call.asked("uploadId") or ""
    upload = await call.threads.run(lambda: call.blobs.upload(call.bucket, call.key, upload_id))
    expected = expected_checksums(call.request)
    if upload.algorithm and upload.algorithm not in expected:
        expected = expected.also(upload.algorithm)

    def put(content: Iterable[bytes]) -> Part:
        return call.blobs.put_part(upload, number, content, checksums=expected)

    part = await call.threads.receive(call.body(MAX_PUT_BYTES), put)
    return Response(200, {"etag": f'"{part.etag}"', **checksum_headers(part.checksums)})


async def put_part_copy(call: Call) -> Response:
    return await copy_part(call, _part_number(call), call.asked("uploadId") or "")


async def complete_upload(call: Call) -> Response:
    claims = _claims(await call.xml_body_unchecked())
    upload_id, said, when = call.asked("uploadId") or "", said_checksums(call.request), condition(call.request)
    info = await call.threads.run(
        lambda: call.blobs.complete_upload(call.bucket, call.key, upload_id, claims, checksums=said, condition=when)
    )
    return xml_response(
        element(
            "CompleteMultipartUploadResult",
            element("Location", f"http://{call.request.header('host')}{call.request.raw_path}"),
            element("Bucket", info.bucket),
            element("Key", info.key),
            element("ETag", f'"{info.etag}"'),
            *_checksums(info.checksums.items()),
            element("ChecksumType", checksum_type(info.checksums)) if info.checksums else None,
        )
    )


async def abort_upload(call: Call) -> Response:
    upload_id = call.asked("uploadId") or ""
    await call.threads.run(lambda: call.blobs.abort_upload(call.bucket, call.key, upload_id))
    return Response(204, {})


async def list_parts(call: Call) -> Response:
    upload_id, limit = call.asked("uploadId") or "", call.count("max-parts", most=_MOST_ROWS)
    marker = call.count("part-number-marker", most=MAX_PARTS) if call.asked("part-number-marker") else 0
    upload = await call.threads.run(lambda: call.blobs.upload(call.bucket, call.key, upload_id))
    parts = [part for part in await call.threads.run(lambda: call.blobs.list_parts(upload)) if part.number > marker]
    shown, is_cut = parts[:limit], len(parts) > limit
    return xml_response(
        element(
            "ListPartsResult",
            *_named(upload),
            element("UploadId", upload_id),
            owner(),
            element("PartNumberMarker", marker),
            element("NextPartNumberMarker", shown[-1].number if shown else marker),
            element("MaxParts", limit),
            element("IsTruncated", "true" if is_cut else "false"),
            element("StorageClass", "STANDARD"),
            optional("ChecksumAlgorithm", (upload.algorithm or "").upper()),
            element("ChecksumType", _plan_type(upload)) if upload.algorithm else None,
            *(_part_row(part) for part in shown),
        )
    )


async def list_uploads(call: Call) -> Response:
    if call.asked("delimiter"):
        raise NotServed("a delimiter in the list of uploads is not served")
    prefix, limit, encoded = call.asked("prefix") or "", call.count("max-uploads", most=_MOST_ROWS), encoding(call)
    key_marker, id_marker = call.asked("key-marker") or "", call.asked("upload-id-marker") or ""
    found = await call.threads.run(lambda: call.blobs.list_uploads(call.bucket, prefix=prefix))
    uploads = _behind(found, key_marker, id_marker)
    shown, is_cut = uploads[:limit], len(uploads) > limit
    last = shown[-1] if shown and is_cut else None
    return xml_response(
        element(
            "ListMultipartUploadsResult",
            element("Bucket", call.bucket),
            element("KeyMarker", encoded(key_marker)),
            element("UploadIdMarker", id_marker),
            optional("NextKeyMarker", encoded(last.key) if last else None),
            optional("NextUploadIdMarker", last.upload_id if last else None),
            element("Prefix", encoded(prefix)),
            encoded.node,
            element("MaxUploads", limit),
            element("IsTruncated", "true" if is_cut else "false"),
            *(_upload_row(upload, encoded(upload.key)) for upload in shown),
        )
    )


def _behind(uploads: Iterable[Upload], key: str, upload_id: str) -> list[Upload]:
    """Those behind a marker: keys behind ``key``, and of that key those behind the upload with the id."""
    rows = list(uploads)
    if not key:
        return rows
    ids = [upload.upload_id for upload in rows if upload.key == key]
    rest = ids[ids.index(upload_id) + 1 :] if upload_id in ids else []
    return [upload for upload in rows if upload.key > key or upload.upload_id in rest]


def _part_number(call: Call) -> int:
    text = call.asked("partNumber") or ""
    if not re.fullmatch(r"\d{1,5}", text) or not 1 <= int(text) <= MAX_PARTS:
        raise bad_argument(f"partNumber {text[:20]!r}: give 1 to {MAX_PARTS}")
    return int(text)


def _claims(root: Node) -> list[PartClaim]:
    parts = root.all("Part")
    if root.name != "CompleteMultipartUpload" or not 1 <= len(parts) <= MAX_PARTS:
        raise malformed(f"CompleteMultipartUpload has 1 to {MAX_PARTS} parts, not {len(parts)}")
    return [_claim(part) for part in parts]


def _claim(part: Node) -> PartClaim:
    number, etag = (part.value("PartNumber") or "").strip(), part.value("ETag")
    if not re.fullmatch(r"\d{1,5}", number) or etag is None:
        raise malformed("each part has a PartNumber and an ETag")
    checksums = {name: value for name in ALGORITHMS if (value := part.value(f"Checksum{name.upper()}"))}
    return PartClaim(int(number), unquoted(etag), checksums)


def _named(upload: Upload) -> list[Node]:
    return [element("Bucket", upload.bucket), element("Key", upload.key)]


def _checksum_plan(upload: Upload) -> dict[str, str]:
    if not upload.algorithm:
        return {}
    return {"x-amz-checksum-algorithm": upload.algorithm.upper(), "x-amz-checksum-type": _plan_type(upload)}


def _plan_type(upload: Upload) -> str:
    return "FULL_OBJECT" if upload.full_object else "COMPOSITE"


def _checksums(items: Iterable[tuple[str, str]]) -> list[Node]:
    return [element(f"Checksum{name.upper()}", value) for name, value in items]


def _part_row(part: Part) -> Node:
    return element(
        "Part",
        element("PartNumber", part.number),
        element("LastModified", iso(part.modified_at)),
        element("ETag", f'"{part.etag}"'),
        element("Size", part.size),
        *_checksums(part.checksums.items()),
    )


def _upload_row(upload: Upload, key: str) -> Node:
    started: dt.datetime = upload.started_at
    return element(
        "Upload",
        element("Key", key),
        element("UploadId", upload.upload_id),
        owner(),
        element("StorageClass", "STANDARD"),
        element("Initiated", iso(started)),
    )
