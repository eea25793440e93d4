"""Tags, the parts of objects, and what only some stores have: configurations of buckets, and customers' keys."""

import datetime as dt

import pytest

from naiad.service.blobs import errors
from naiad.service.blobs.folder import FolderBlobStore
from naiad.service.blobs.port import CompletedPart, ObjectAttributes, ObjectPart, WriteCondition
from naiad.service.domain.errors import NotServed

MIB = 2**20
KEY = bytes(range(32))


def put_in_parts(blobs, bucket, pieces, **options):
    upload = blobs.start_upload(bucket, "k", **options)
    sums = {upload.algorithm: ""} if upload.algorithm else None
    parts = [blobs.put_part(upload, number, [piece], checksums=sums) for number, piece in enumerate(pieces, 1)]
    return blobs.complete_upload(
        bucket, "k", upload.upload_id, [CompletedPart(part.number, part.etag, part.checksums) for part in parts]
    )


def test_tags_are_put_with_an_object_replaced_and_removed(blobs, bucket, read_object):
    blobs.put(bucket, "k", [b"x"], attributes=ObjectAttributes("text/csv", tags={"a": "1", "b": "z w"}))
    assert blobs.tags(bucket, "k") == {"a": "1", "b": "z w"}
    before = blobs.head(bucket, "k")
    assert before.tag_count == 2
    blobs.set_tags(bucket, "k", {"c": "ü"})
    after = blobs.head(bucket, "k")
    assert (blobs.tags(bucket, "k"), after.tag_count) == ({"c": "ü"}, 1)
    assert (after.etag, after.modified_at, after.content_type) == (before.etag, before.modified_at, "text/csv")
    assert read_object(blobs, bucket, "k") == b"x"
    blobs.set_tags(bucket, "k", {})
    assert blobs.tags(bucket, "k") == {}


def test_tags_of_a_missing_object(blobs, bucket):
    with pytest.raises(errors.NoSuchKey):
        blobs.tags(bucket, "absent")
    with pytest.raises(errors.NoSuchKey):
        blobs.set_tags(bucket, "absent", {"a": "1"})


def test_a_copy_has_the_tags_of_its_source_or_its_own(blobs, bucket):
    blobs.put(bucket, "source", [b"x"], attributes=ObjectAttributes(tags={"a": "1"}))
    blobs.copy((bucket, "source"), bucket, "same")
    blobs.copy((bucket, "source"), bucket, "metadata", replace=ObjectAttributes(metadata={"m": "2"}))
    blobs.copy((bucket, "source"), bucket, "own", replace=ObjectAttributes(tags={"b": "2"}))
    blobs.copy((bucket, "source"), bucket, "none", replace=ObjectAttributes(tags={}))
    tags = {key: blobs.tags(bucket, key) for key in ("same", "metadata", "own", "none")}
    assert tags == {"same": {"a": "1"}, "metadata": {"a": "1"}, "own": {"b": "2"}, "none": {}}


def test_the_parts_of_an_object(blobs, bucket):
    info = put_in_parts(
        blobs, bucket, [b"a" * 5 * MIB, b"b"], algorithm="crc32", attributes=ObjectAttributes(tags={"t": "1"})
    )
    assert info.etag.endswith("-2")
    parts = blobs.object_parts(bucket, "k")
    assert [(part.number, part.size) for part in parts] == [(1, 5 * MIB), (2, 1)]
    assert all(set(part.checksums) == {"crc32"} for part in parts)
    assert blobs.tags(bucket, "k") == {"t": "1"}
    blobs.put(bucket, "k", [b"x"])
    assert blobs.object_parts(bucket, "k") == ()


def test_headers_are_kept(blobs, bucket):
    headers = {
        "expires": "Wed, 21 Oct 2065 07:28:00 GMT",
        "x-amz-storage-class": "STANDARD_IA",
        "x-amz-server-side-encryption": "aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id": "alias/k",
        "x-amz-website-redirect-location": "/other",
    }
    blobs.put(bucket, "k", [b"x"], attributes=ObjectAttributes(headers=headers))
    assert blobs.head(bucket, "k").headers == headers
    (row,) = blobs.list(bucket).objects
    assert row.headers["x-amz-storage-class"] == "STANDARD_IA"


@pytest.mark.parametrize(
    ("condition", "is_deleted"),
    [
        (WriteCondition(if_match_size=1), True),
        (WriteCondition(if_match_size=2), False),
        (WriteCondition(if_match_modified_at=dt.datetime(2015, 1, 1, tzinfo=dt.UTC)), False),
    ],
)
def test_a_deletion_on_a_size_or_a_time(blobs, bucket, condition, is_deleted):
    blobs.put(bucket, "k", [b"x"])
    if is_deleted:
        blobs.delete(bucket, "k", condition=condition)
        assert not blobs.list(bucket).objects
    else:
        with pytest.raises(errors.PreconditionFailed):
            blobs.delete(bucket, "k", condition=condition)


def test_a_put_unless_there_is_this_etag(blobs, bucket):
    etag = blobs.put(bucket, "k", [b"x"]).etag
    with pytest.raises(errors.PreconditionFailed):
        blobs.put(bucket, "k", [b"y"], condition=WriteCondition(if_none_match=etag))
    blobs.put(bucket, "k", [b"y"], condition=WriteCondition(if_none_match="f" * 32))


def test_configurations_go_with_their_bucket(folder):
    folder.create_bucket("configured")
    assert folder.configuration("configured", "encryption") is None
    folder.set_configuration("configured", "encryption", "<a/>")
    folder.set_configuration("configured", "tagging", "<b/>")
    assert folder.configuration("configured", "encryption") == "<a/>"
    folder.set_configuration("configured", "tagging", None)
    folder.set_configuration("configured", "tagging", None)
    assert folder.configuration("configured", "tagging") is None
    folder.delete_bucket("configured")
    folder.create_bucket("configured")
    assert folder.configuration("configured", "encryption") is None
    folder.delete_bucket("configured")
    with pytest.raises(errors.NoSuchBucket):
        folder.set_configuration("configured", "encryption", "<a/>")


def test_a_foreign_store_keeps_no_configurations_and_takes_no_keys(remote):
    with pytest.raises(NotServed):
        remote.set_configuration("any", "tagging", "<a/>")
    with pytest.raises(NotServed):
        remote.put("any", "k", [b"x"], attributes=ObjectAttributes(customer_key=KEY))


@pytest.mark.parametrize("wrong_key", [None, bytes(32)])
def test_content_under_a_customers_key(folder, wrong_key):
    folder.create_bucket("secret")
    content = bytes(range(256)) * 5000
    info = folder.put("secret", "k", [content[:1000], content[1000:]], attributes=ObjectAttributes(customer_key=KEY))
    assert (info.size, folder.head("secret", "k").size) == (len(content), len(content))
    for start, length in ((0, None), (0, 1), (17, 100), (999, 2), (1_048_570, 20), (len(content) - 1, 5)):
        expected = content[start:] if length is None else content[start : start + length]
        _, pieces = folder.read("secret", "k", start=start, length=length, customer_key=KEY)
        assert b"".join(pieces) == expected
    with pytest.raises(errors.CustomerKeyMismatch):
        folder.read("secret", "k", customer_key=wrong_key)
    with pytest.raises(errors.CustomerKeyMismatch):
        folder.copy(("secret", "k"), "secret", "copy")
    folder.set_tags("secret", "k", {"a": "1"})
    assert b"".join(folder.read("secret", "k", customer_key=KEY)[1]) == content
    folder.delete("secret", "k")
    folder.delete_bucket("secret")


def test_nothing_of_the_content_or_the_key_is_on_disk(tmp_path):
    store = FolderBlobStore(tmp_path)
    store.create_bucket("data")
    content = b"a text that nobody else may read" * 10
    store.put("data", "k", [content], attributes=ObjectAttributes(customer_key=KEY), checksums={"sha256": ""})
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert content[:16] not in stored
    assert KEY not in stored
    assert KEY.hex().encode() not in stored
    assert b"sha256" not in stored


def test_parts_under_a_customers_key(folder):
    folder.create_bucket("secret")
    upload = folder.start_upload("secret", "k", attributes=ObjectAttributes(customer_key=KEY))
    with pytest.raises(errors.CustomerKeyMismatch):
        folder.put_part(folder.get_upload("secret", "k", upload.upload_id), 1, [b"x"])
    pieces = [b"a" * (5 * MIB + 3), b"bcd" * 7]
    parts = [folder.put_part(upload, number, [piece], customer_key=KEY) for number, piece in enumerate(pieces, 1)]
    folder.complete_upload("secret", "k", upload.upload_id, [CompletedPart(one.number, one.etag) for one in parts])
    _, read = folder.read("secret", "k", start=5 * MIB, length=10, customer_key=KEY)
    assert b"".join(read) == b"".join(pieces)[5 * MIB : 5 * MIB + 10]
    assert folder.object_parts("secret", "k") == (ObjectPart(1, 5 * MIB + 3, {}), ObjectPart(2, 21, {}))
    folder.delete("secret", "k")
    folder.delete_bucket("secret")


def test_a_part_with_a_key_of_an_upload_without_one(blobs, bucket):
    upload = blobs.start_upload(bucket, "k")
    with pytest.raises(errors.CustomerKeyMismatch, match="leave the key out"):
        blobs.put_part(upload, 1, [b"x"], customer_key=KEY)
    assert blobs.list_parts(upload) == ()
    blobs.abort_upload(bucket, "k", upload.upload_id)
