import pytest

from naiad.service.blobs.port import Condition
from naiad.service.domain.errors import NotServed
from naiad.service.gateway.s3.errors import S3Error
from naiad.service.gateway.s3.headers import (
    algorithm_of,
    attributes,
    checksum_headers,
    condition,
    expected_checksums,
)


def test_what_is_kept(make_request):
    headers = {"x-amz-meta-a": "1", "content-encoding": "aws-chunked,gzip", "expires": "0", "x-amz-acl": "private"}
    about = attributes(make_request("PUT", "/b/k", headers=headers))
    assert about.metadata == {"a": "1"}
    assert about.headers == {"content-encoding": "gzip", "expires": "0"}
    assert about.content_type == "binary/octet-stream"
    alone = attributes(make_request("PUT", "/b/k", headers={"content-encoding": "aws-chunked"}))
    assert alone.headers == {}


@pytest.mark.parametrize(
    "name", ["x-amz-server-side-encryption-customer-algorithm", "x-amz-tagging", "x-amz-object-lock-mode"]
)
def test_what_would_be_broken_silently_is_refused(make_request, name):
    with pytest.raises(NotServed, match=name):
        attributes(make_request("PUT", "/b/k", headers={name: "x"}))


def test_too_much_metadata(make_request):
    with pytest.raises(S3Error, match="2048"):
        attributes(make_request("PUT", "/b/k", headers={"x-amz-meta-a": "x" * 2048}))


def test_checksums_of_headers_and_trailers(make_request):
    headers = {"x-amz-checksum-sha1": "said", "x-amz-trailer": "x-amz-checksum-crc32, x-other"}
    trailers: dict[str, str] = {}
    expected = expected_checksums(make_request("PUT", "/b/k", headers=headers, trailers=trailers))
    assert set(expected) == {"sha1", "crc32"}
    assert len(expected.also("crc32c")) == 3
    trailers["x-amz-checksum-crc32"] = "late"
    assert dict(expected) == {"sha1": "said", "crc32": "late"}


def test_a_conditional_write(make_request):
    assert condition(make_request("PUT", "/", headers={"if-match": '"x"'})) == Condition(if_match="x")
    assert condition(make_request("PUT", "/", headers={"if-none-match": "*"})) == Condition(if_none_match="*")
    with pytest.raises(NotServed):
        condition(make_request("PUT", "/", headers={"if-none-match": '"x"'}))


def test_checksums_out():
    assert checksum_headers({}) == {}
    assert checksum_headers({"crc32": "x-2"})["x-amz-checksum-type"] == "COMPOSITE"


def test_algorithms(make_request):
    assert algorithm_of(make_request("POST", "/")) is None
    assert algorithm_of(make_request("POST", "/", headers={"x-amz-checksum-algorithm": "CRC32C"})) == "crc32c"
    with pytest.raises(S3Error):
        algorithm_of(make_request("POST", "/", headers={"x-amz-checksum-algorithm": "crc16"}))
