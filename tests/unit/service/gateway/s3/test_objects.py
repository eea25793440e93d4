"""Operations on objects."""

import base64
import zlib


def crc(data):
    return base64.b64encode(zlib.crc32(data).to_bytes(4)).decode()


def test_put_and_get(call):
    put = call("PUT", "/data/a b", body=b"hello", headers={"content-type": "text/plain", "x-amz-meta-n": "1"})
    got = call("GET", "/data/a b")
    assert (put.status, got.status, got.body) == (200, 200, b"hello")
    assert got.headers["etag"] == put.headers["etag"] == '"5d41402abc4b2a76b9719d911017c592"'
    assert got.headers["last-modified"] == "Wed, 04 Mar 2026 05:06:07 GMT"
    assert (got.headers["x-amz-meta-n"], got.headers["content-type"]) == ("1", "text/plain")
    assert call("HEAD", "/data/a b").headers["content-length"] == "5"
    assert call("DELETE", "/data/a b").status == 204
    assert call("DELETE", "/data/a b").status == 204
    assert call("GET", "/data/a b").status == 404


def test_a_conditional_deletion(call):
    etag = call("PUT", "/data/k", body=b"x").headers["etag"]
    wrong = call("DELETE", "/data/k", headers={"if-match": '"x"'})
    assert (wrong.status, "<Condition>If-Match</Condition>" in wrong.text) == (412, True)
    for name in ("if-none-match", "if-modified-since", "if-unmodified-since"):
        assert call("DELETE", "/data/k", headers={name: "1"}).status == 501
    for name in ("x-amz-if-match-size", "x-amz-if-match-last-modified-time"):
        assert call("DELETE", "/data/k", headers={name: "few"}).status == 400
    assert call("DELETE", "/data/k", headers={"x-amz-if-match-size": "2"}).status == 412
    assert call("GET", "/data/k").body == b"x"
    assert call("DELETE", "/data/k", headers={"if-match": etag}).status == 204
    assert call("GET", "/data/k").status == 404


def test_a_checksum_in_the_trailers(call, blobs):
    headers = {"x-amz-trailer": "x-amz-checksum-crc32", "content-encoding": "aws-chunked"}
    good = call("PUT", "/data/k", body=b"x", headers=headers, trailers={"x-amz-checksum-crc32": crc(b"x")})
    assert (good.status, good.headers["x-amz-checksum-crc32"]) == (200, crc(b"x"))
    bad = call("PUT", "/data/k", body=b"y", headers=headers, trailers={"x-amz-checksum-crc32": crc(b"x")})
    assert "<Code>BadDigest</Code>" in bad.text
    missing = call("PUT", "/data/k", body=b"y", headers=headers)
    assert "<Code>MalformedTrailerError</Code>" in missing.text
    assert b"".join(blobs.read("data", "k")[1]) == b"x"
    assert blobs.head("data", "k").headers == {}


def test_a_large_object_is_streamed(call):
    pieces = [bytes([number]) * 500_000 for number in range(12)]
    assert call("PUT", "/data/large", body=pieces).status == 200
    assert call("GET", "/data/large").body == b"".join(pieces)
    ranged = call("GET", "/data/large", headers={"range": "bytes=400000-3499999"})
    assert (ranged.status, ranged.body) == (206, b"".join(pieces)[400_000:3_500_000])
    assert ranged.headers["content-range"] == "bytes 400000-3499999/6000000"


def test_a_body_that_is_declared_too_large_is_not_read(call):
    response = call("PUT", "/data/k", body=b"x", headers={"content-length": str(6 * 2**30)})
    assert "<Code>EntityTooLarge</Code>" in response.text


def test_a_range_applies_only_to_the_object_that_if_range_names(call):
    etag = call("PUT", "/data/k", body=b"0123").headers["etag"]
    assert call("GET", "/data/k", headers={"range": "bytes=1-2", "if-range": etag}).body == b"12"
    assert call("GET", "/data/k", headers={"range": "bytes=1-2", "if-range": '"old"'}).body == b"0123"
    assert call("GET", "/data/k", headers={"range": "bytes=9-"}).headers["content-range"] == "bytes */4"


def test_overrides_cannot_split_the_response(call):
    call("PUT", "/data/k", body=b"x")
    assert call("GET", "/data/k?response-content-type=a/b").headers["content-type"] == "a/b"
    assert call("GET", "/data/k?response-content-type=a%0d%0ax:y").status == 400


def test_a_storage_class_is_kept_and_said_back(call):
    call("PUT", "/data/k", body=b"x", headers={"x-amz-storage-class": "STANDARD_IA"})
    assert call("HEAD", "/data/k").headers["x-amz-storage-class"] == "STANDARD_IA"
    assert "<StorageClass>STANDARD_IA</StorageClass>" in call("GET", "/data?list-type=2").text
    call("PUT", "/data/k", headers={"x-amz-copy-source": "/data/k", "x-amz-storage-class": "STANDARD"})
    assert "x-amz-storage-class" not in call("HEAD", "/data/k").headers
    assert call("PUT", "/data/k", headers={"x-amz-storage-class": "ATTIC"}).status == 400
