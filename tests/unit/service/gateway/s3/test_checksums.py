"""Checksums in headers and trailers."""

import pytest

from naiad.service.gateway.s3.checksums import checksum_algorithm, checksum_headers, expected_checksums
from naiad.service.gateway.s3.errors import S3Error


def test_checksums_of_headers_and_trailers(make_request):
    headers = {"x-amz-checksum-sha1": "said", "x-amz-trailer": "x-amz-checksum-crc32, x-other"}
    trailers: dict[str, str] = {}
    expected = expected_checksums(make_request("PUT", "/b/k", headers=headers), trailers)
    assert set(expected) == {"sha1", "crc32"}
    assert len(expected.with_computed("crc32c")) == 3
    trailers["x-amz-checksum-crc32"] = "late"
    assert dict(expected) == {"sha1": "said", "crc32": "late"}


def test_checksums_of_responses():
    assert checksum_headers({}) == {}
    assert checksum_headers({"crc32": "x-2"})["x-amz-checksum-type"] == "COMPOSITE"


def test_algorithms(make_request):
    assert checksum_algorithm(make_request("POST", "/")) is None
    assert checksum_algorithm(make_request("POST", "/", headers={"x-amz-checksum-algorithm": "CRC32C"})) == "crc32c"
    with pytest.raises(S3Error):
        checksum_algorithm(make_request("POST", "/", headers={"x-amz-checksum-algorithm": "crc16"}))
