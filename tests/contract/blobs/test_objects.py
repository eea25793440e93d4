"""The contract of blobs/port.py on each store: objects and their copies."""

import base64
import hashlib
import io
import zlib

import pytest

from naiad.service.blobs import errors
from naiad.service.blobs.port import ObjectAttributes
from naiad.service.domain.errors import Invalid


def test_an_object_is_read_back_with_its_attributes(blobs, bucket, read_object):
    crc = base64.b64encode(zlib.crc32(b"hello").to_bytes(4)).decode()
    put = blobs.put(
        bucket,
        "k",
        [b"he", b"llo"],
        attributes=ObjectAttributes("text/plain", {"who": "me"}, {"cache-control": "no-store"}),
        checksums={"crc32": crc},
    )
    info = blobs.head(bucket, "k")
    assert (info.size, info.etag, info.content_type) == (5, hashlib.md5(b"hello").hexdigest(), "text/plain")
    assert (info.metadata, info.headers, info.checksums) == (
        {"who": "me"},
        {"cache-control": "no-store"},
        {"crc32": crc},
    )
    assert put.etag == info.etag
    assert read_object(blobs, bucket, "k") == b"hello"


def test_content_may_be_a_file(blobs, bucket):
    blobs.put(bucket, "k", io.BytesIO(b"x" * 3_000_000))
    assert blobs.head(bucket, "k").size == 3_000_000


@pytest.mark.parametrize(
    ("start", "length", "due"), [(0, 2, b"01"), (3, None, b"3456789"), (8, 9, b"89"), (10, 1, b"")]
)
def test_a_range_is_read(blobs, bucket, start, length, due, read_object):
    blobs.put(bucket, "k", [b"0123456789"])
    assert read_object(blobs, bucket, "k", start=start, length=length) == due


def test_missing_things_raise_their_errors(blobs, bucket):
    with pytest.raises(errors.NoSuchKey):
        blobs.head(bucket, "nothing")
    with pytest.raises(errors.NoSuchKey):
        blobs.read(bucket, "nothing")
    with pytest.raises(errors.NoSuchBucket):
        blobs.put("no-such-bucket", "k", [b""])
    with pytest.raises(errors.NoSuchBucket):
        blobs.list("no-such-bucket")
    with pytest.raises(errors.NoSuchUpload):
        blobs.abort_upload(bucket, "k", "0" * 32)
    blobs.delete(bucket, "nothing")


def test_a_wrong_checksum_leaves_the_old_object(blobs, bucket, read_object):
    blobs.put(bucket, "k", [b"old"])
    for name in ("md5", "crc32", "crc32c", "sha1", "sha256", "crc64nvme"):
        with pytest.raises(errors.BadDigest):
            blobs.put(bucket, "k", [b"new"], checksums={name: "AAAAAA=="})
    assert read_object(blobs, bucket, "k") == b"old"


def test_content_that_breaks_off_leaves_the_old_object(blobs, bucket, read_object):
    def breaking():
        yield b"new"
        raise Invalid("it broke off")

    blobs.put(bucket, "k", [b"old"])
    with pytest.raises(Invalid, match="broke off"):
        blobs.put(bucket, "k", breaking())
    assert read_object(blobs, bucket, "k") == b"old"


def test_a_reader_of_a_replaced_object_reads_the_old_one_to_its_end(folder):
    folder.create_bucket("replaced")
    old = b"o" * 5_000_000
    folder.put("replaced", "k", [old])
    _, pieces = folder.read("replaced", "k")
    first = next(pieces)
    folder.put("replaced", "k", [b"new"])
    folder.delete("replaced", "k")
    assert first + b"".join(pieces) == old


def test_a_copy_keeps_or_replaces_the_attributes(blobs, bucket, read_object):
    put = blobs.put(bucket, "a b", [b"content"], attributes=ObjectAttributes("text/plain", {"n": "1"}))
    blobs.copy((bucket, "a b"), bucket, "c")
    copied = blobs.head(bucket, "c")
    assert (copied.content_type, copied.metadata, copied.etag) == ("text/plain", {"n": "1"}, put.etag)
    blobs.copy((bucket, "c"), bucket, "c", replace=ObjectAttributes("text/css", {"n": "2"}))
    replaced = blobs.head(bucket, "c")
    assert (replaced.content_type, replaced.metadata) == ("text/css", {"n": "2"})
    assert read_object(blobs, bucket, "c") == b"content"
    with pytest.raises(errors.NoSuchKey):
        blobs.copy((bucket, "nothing"), bucket, "d")


def test_a_copy_of_one_state_of_its_source(blobs, bucket, read_object):
    old = blobs.put(bucket, "a", [b"old"])
    blobs.put(bucket, "a", [b"new"])
    with pytest.raises(errors.PreconditionFailed):
        blobs.copy((bucket, "a"), bucket, "b", source_etag=old.etag)
    with pytest.raises(errors.NoSuchKey):
        blobs.head(bucket, "b")
    blobs.copy((bucket, "a"), bucket, "b", source_etag=blobs.head(bucket, "a").etag)
    assert read_object(blobs, bucket, "b") == b"new"
