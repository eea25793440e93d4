"""CopyObject."""

import base64
import datetime as dt
import hashlib

import pytest

from naiad.service.blobs.port import ObjectAttributes
from naiad.service.gateway.s3.copy_object import CopySource, parse_copy_source
from naiad.service.gateway.s3.errors import S3Error


def test_sources():
    assert parse_copy_source("/b/a%20b/c") == parse_copy_source("b/a b/c") == CopySource("b", "a b/c")
    assert parse_copy_source("b/k?versionId=null") == CopySource("b", "k")
    for text in ("", "b", "b/", "/b/%FF", "b/k?versionId=3"):
        with pytest.raises(S3Error):
            parse_copy_source(text)


def test_a_copy(call):
    call("PUT", "/data/a", body=b"x", headers={"x-amz-meta-n": "1"})
    headers = {"x-amz-copy-source": "/data/a"}
    assert "<CopyObjectResult" in call("PUT", "/data/b", headers=headers).text
    assert call("GET", "/data/b").headers["x-amz-meta-n"] == "1"
    assert call("PUT", "/data/a", headers=headers).status == 400
    assert call("PUT", "/data/b", headers=headers | {"x-amz-metadata-directive": "MERGE"}).status == 400
    assert call("PUT", "/data/b", headers=headers | {"x-amz-metadata-directive": "REPLACE"}).status == 200
    assert "x-amz-meta-n" not in call("GET", "/data/b").headers


@pytest.fixture
def replace_source(blobs, clock, monkeypatch):
    """A function that makes the next description of an object be followed by another object in its place."""

    def replace_after_head(key, content, **attributes):
        head = blobs.head

        def head_and_replace(bucket, of_key):
            info = head(bucket, of_key)
            if of_key == key:
                monkeypatch.setattr(blobs, "head", head)
                clock.time += dt.timedelta(seconds=1)
                blobs.put(bucket, key, [content], attributes=ObjectAttributes(**attributes))
            return info

        monkeypatch.setattr(blobs, "head", head_and_replace)

    return replace_after_head


OWN_KEY = {
    "x-amz-server-side-encryption-customer-algorithm": "AES256",
    "x-amz-server-side-encryption-customer-key": base64.b64encode(b"k" * 32).decode(),
    "x-amz-server-side-encryption-customer-key-md5": base64.b64encode(hashlib.md5(b"k" * 32).digest()).decode(),
}


@pytest.mark.parametrize("key", [{}, OWN_KEY], ids=["plain", "encrypted"])
def test_a_source_that_is_replaced_during_the_copy(call, replace_source, key):
    call("PUT", "/data/a", body=b"old", headers={"content-type": "text/old", "x-amz-meta-n": "1"})
    replace_source("a", b"newer", content_type="text/new", metadata={"n": "2"})
    assert call("PUT", "/data/b", headers={"x-amz-copy-source": "/data/a", **key}).status == 200
    copied = call("GET", "/data/b", headers=key)
    assert (copied.body, copied.headers["content-type"], copied.headers["x-amz-meta-n"]) == (b"newer", "text/new", "2")


def test_a_condition_is_one_on_the_state_that_is_copied(call, replace_source):
    etag = call("PUT", "/data/a", body=b"old").headers["etag"]
    headers = {"x-amz-copy-source": "/data/a", "x-amz-copy-source-if-match": etag}
    replace_source("a", b"newer")
    assert call("PUT", "/data/b", headers=headers).status == 412
    assert call("GET", "/data/b").status == 404


def test_a_condition_on_the_target_of_a_copy(call):
    for key in ("a", "b"):
        call("PUT", f"/data/{key}", body=key.encode())
    headers = {"x-amz-copy-source": "/data/a", "if-none-match": "*"}
    assert call("PUT", "/data/b", headers=headers).status == 412
    assert call("GET", "/data/b").body == b"b"


def test_a_part_is_of_one_state_of_its_source(call, replace_source):
    etag = call("PUT", "/data/a", body=b"old").headers["etag"]
    upload_id = call("POST", "/data/m?uploads").text.split("<UploadId>")[1].split("<")[0]
    target, headers = f"/data/m?partNumber=1&uploadId={upload_id}", {"x-amz-copy-source": "/data/a"}
    replace_source("a", b"newer")
    assert call("PUT", target, headers=headers | {"x-amz-copy-source-if-match": etag}).status == 412
    replace_source("a", b"newest")
    assert hashlib.md5(b"newest").hexdigest() in call("PUT", target, headers=headers).text
