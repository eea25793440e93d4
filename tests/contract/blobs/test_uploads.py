"""The contract of blobs/port.py on each store: multipart uploads."""

import base64
import hashlib
import zlib

import pytest

from naiad.service.blobs import errors
from naiad.service.blobs.port import MIN_PART_BYTES, CompletedPart, ObjectAttributes
from naiad.service.domain.errors import Invalid


def put_parts(blobs, upload, *contents):
    parts = [blobs.put_part(upload, number, [data]) for number, data in enumerate(contents, 1)]
    return [CompletedPart(part.number, part.etag) for part in parts]


def test_an_upload_becomes_an_object(blobs, bucket, read_object):
    big, small = b"x" * MIN_PART_BYTES, b"end"
    upload = blobs.start_upload(
        bucket, "k", attributes=ObjectAttributes("text/plain", {"a": "b"}), algorithm="crc32", full_object=True
    )
    assert [row.upload_id for row in blobs.list_uploads(bucket)] == [upload.upload_id]
    parts = [blobs.put_part(upload, n, [data], checksums={"crc32": ""}) for n, data in ((1, big), (3, small))]
    assert [part.number for part in blobs.list_parts(upload)] == [1, 3]
    claims = [CompletedPart(part.number, part.etag, part.checksums) for part in parts]
    completed = blobs.complete_upload(bucket, "k", upload.upload_id, claims)
    joined = hashlib.md5(hashlib.md5(big).digest() + hashlib.md5(small).digest()).hexdigest()
    assert completed.etag == f"{joined}-2"
    info = blobs.head(bucket, "k")
    assert (info.size, info.content_type, info.metadata) == (len(big) + 3, "text/plain", {"a": "b"})
    assert info.checksums == {"crc32": base64.b64encode(zlib.crc32(big + small).to_bytes(4)).decode()}
    assert read_object(blobs, bucket, "k") == big + small
    assert blobs.list_uploads(bucket) == ()
    assert blobs.complete_upload(bucket, "k", upload.upload_id, claims).etag == completed.etag


def test_an_invalid_upload_is_refused_as_by_aws(blobs, bucket):
    upload = blobs.start_upload(bucket, "k")
    claims = put_parts(blobs, upload, b"small", b"last")
    for wrong, error in [
        (claims, errors.EntityTooSmall),
        (claims[::-1], errors.InvalidPartOrder),
        ([CompletedPart(7, claims[0].etag)], errors.InvalidPart),
        ([CompletedPart(1, "0" * 32)], errors.InvalidPart),
        ([], errors.InvalidPart),
    ]:
        with pytest.raises(error):
            blobs.complete_upload(bucket, "k", upload.upload_id, wrong)
    with pytest.raises(Invalid):
        blobs.put_part(upload, 10_001, [b""])
    blobs.abort_upload(bucket, "k", upload.upload_id)
    with pytest.raises(errors.NoSuchUpload):
        blobs.put_part(upload, 1, [b""])
    with pytest.raises(errors.NoSuchKey):
        blobs.head(bucket, "k")
