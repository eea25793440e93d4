"""Encryption: said back where AWS's keys are named, and done where a customer's key is given."""

import base64
import hashlib

import pytest

KEY, OTHER = b"k" * 32, b"o" * 32


def customer(secret, *, prefix="x-amz-server-side-encryption-customer-", **changed):
    md5 = base64.b64encode(hashlib.md5(secret).digest()).decode()
    values = {"algorithm": "AES256", "key": base64.b64encode(secret).decode(), "key-md5": md5, **changed}
    return {prefix + name: value for name, value in values.items() if value is not None}


def copy_source(key):
    return customer(key, prefix="x-amz-copy-source-server-side-encryption-customer-")


@pytest.mark.parametrize(
    "headers",
    [
        {"x-amz-server-side-encryption": "AES256"},
        {"x-amz-server-side-encryption": "aws:kms"},
        {"x-amz-server-side-encryption": "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id": "alias/k"},
        {"x-amz-server-side-encryption": "aws:kms:dsse", "x-amz-server-side-encryption-bucket-key-enabled": "true"},
    ],
)
def test_what_was_asked_for_is_said_back(call, headers):
    put = call("PUT", "/data/k", body=b"x", headers=headers)
    assert {name: put.headers[name] for name in headers} == headers
    for method in ("GET", "HEAD"):
        assert {name: call(method, "/data/k").headers[name] for name in headers} == headers
    copy = call("PUT", "/data/c", headers={"x-amz-copy-source": "/data/k"})
    assert "x-amz-server-side-encryption" not in copy.headers
    assert "x-amz-server-side-encryption" not in call("HEAD", "/data/c").headers
    upload = call("POST", "/data/m?uploads", headers=headers)
    assert {name: upload.headers[name] for name in headers} == headers


@pytest.mark.parametrize(
    "headers",
    [
        {"x-amz-server-side-encryption": "rot13"},
        {"x-amz-server-side-encryption-aws-kms-key-id": "alias/k"},
        {"x-amz-server-side-encryption": "AES256", "x-amz-server-side-encryption-aws-kms-key-id": "alias/k"},
        {"x-amz-server-side-encryption": "AES256", **customer(KEY)},
        customer(b"short"),
        customer(KEY, **{"key-md5": None}),
        customer(KEY, key=None),
        customer(KEY, algorithm=None),
        customer(KEY, **{"key-md5": "AAAAAAAAAAAAAAAAAAAAAA=="}),
        customer(KEY, algorithm="AES128"),
    ],
)
def test_headers_that_do_not_go_together(call, headers):
    assert call("PUT", "/data/k", body=b"x", headers=headers).status == 400
    assert call("GET", "/data/k").status == 404


def test_an_object_under_a_customers_key(call, blobs):
    put = call("PUT", "/data/k", body=b"secret", headers=customer(KEY))
    assert put.headers["x-amz-server-side-encryption-customer-algorithm"] == "AES256"
    got = call("GET", "/data/k", headers=customer(KEY))
    assert (got.body, got.headers["etag"]) == (b"secret", put.headers["etag"])
    assert call("GET", "/data/k", headers={**customer(KEY), "range": "bytes=2-3"}).body == b"cr"
    assert call("HEAD", "/data/k", headers=customer(KEY)).headers["content-length"] == "6"
    for headers in ({}, customer(OTHER)):
        for method in ("GET", "HEAD"):
            assert call(method, "/data/k", headers=headers).status == 400
        assert call("GET", "/data/k?attributes", headers={"x-amz-object-attributes": "ETag", **headers}).status == 400
    assert "<Size>6</Size>" in call("GET", "/data").text


def test_a_key_for_an_object_that_is_not_encrypted(call):
    call("PUT", "/data/k", body=b"x")
    assert "<Code>InvalidRequest</Code>" in call("GET", "/data/k", headers=customer(KEY)).text


@pytest.mark.parametrize(
    ("before", "copy", "after"),
    [
        ({}, customer(KEY), customer(KEY)),
        (customer(KEY), copy_source(KEY), {}),
        (customer(KEY), {**copy_source(KEY), **customer(OTHER)}, customer(OTHER)),
    ],
)
def test_copies_between_keys(call, before, copy, after):
    call("PUT", "/data/k", body=b"secret", headers={**before, "x-amz-tagging": "a=1", "x-amz-meta-m": "2"})
    assert call("PUT", "/data/c", headers={**copy, "x-amz-copy-source": "/data/k"}).status == 200
    got = call("GET", "/data/c", headers=after)
    assert (got.body, got.headers["x-amz-meta-m"], got.headers["x-amz-tagging-count"]) == (b"secret", "2", "1")


def test_a_copy_without_the_key_of_its_source(call):
    call("PUT", "/data/k", body=b"secret", headers=customer(KEY))
    for headers in ({}, copy_source(OTHER), customer(KEY)):
        assert call("PUT", "/data/c", headers={**headers, "x-amz-copy-source": "/data/k"}).status == 400
    assert call("GET", "/data/c").status == 404


def test_an_upload_in_parts_under_a_customers_key(call):
    call("PUT", "/data/plain", body=b"plain")
    upload_id = call("POST", "/data/k?uploads", headers=customer(KEY)).text.split("<UploadId>")[1].split("<")[0]
    path = f"/data/k?partNumber=1&uploadId={upload_id}"
    for headers in ({}, customer(OTHER)):
        assert call("PUT", path, body=b"x", headers=headers).status == 400
        assert call("PUT", path, headers={**headers, "x-amz-copy-source": "/data/plain"}).status == 400
    copied = call("PUT", path, headers={**customer(KEY), "x-amz-copy-source": "/data/plain"})
    etag = copied.text.split("<ETag>")[1].split("</")[0]
    body = (
        f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
    )
    assert call("POST", f"/data/k?uploadId={upload_id}", body=body.encode(), headers=customer(KEY)).status == 200
    assert call("GET", "/data/k", headers=customer(KEY)).body == b"plain"


def test_a_read_that_says_how_to_encrypt(call):
    call("PUT", "/data/k", body=b"x")
    for method in ("GET", "HEAD"):
        assert call(method, "/data/k", headers={"x-amz-server-side-encryption": "aws:kms"}).status == 400
