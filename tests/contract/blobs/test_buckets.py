"""The contract of blobs/port.py on each store: buckets."""

import pytest

from naiad.service.blobs import errors
from naiad.service.domain.errors import Invalid


@pytest.mark.parametrize(
    "name", ["..", "a", ".naiad", "a/b", "UPPER", "a..b", "1.2.3.4", "x" * 64, "", "a\x00b", "-ab"]
)
def test_an_invalid_bucket_name_is_refused(blobs, name):
    with pytest.raises(Invalid):
        blobs.create_bucket(name)


def test_a_bucket_is_created_and_deleted(blobs):
    blobs.create_bucket("here")
    with pytest.raises(errors.BucketExists):
        blobs.create_bucket("here")
    assert "here" in [name for name, _ in blobs.list_buckets()]
    blobs.put("here", "k/k", [b""])
    with pytest.raises(errors.BucketNotEmpty):
        blobs.delete_bucket("here")
    blobs.delete("here", "k/k")
    blobs.delete_bucket("here")
    assert not blobs.has_bucket("here")
    with pytest.raises(errors.NoSuchBucket):
        blobs.delete_bucket("here")


def test_a_bucket_is_deleted_with_its_open_uploads(blobs):
    blobs.create_bucket("unfinished")
    blobs.put_part(blobs.start_upload("unfinished", "k"), 1, [b"x"])
    blobs.delete_bucket("unfinished")
    blobs.create_bucket("unfinished")
    assert blobs.list_uploads("unfinished") == ()
    blobs.delete_bucket("unfinished")
