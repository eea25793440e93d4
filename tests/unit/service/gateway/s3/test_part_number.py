"""GET and HEAD of one part, and GetObjectAttributes."""

import pytest

MIB = 2**20


def test_a_part_of_a_multipart_object(call, multipart):
    for number, piece in enumerate(multipart, 1):
        got = call("GET", f"/data/m?partNumber={number}", headers={"x-amz-checksum-mode": "ENABLED"})
        assert (got.status, got.body, got.headers["x-amz-mp-parts-count"]) == (206, piece, "2")
        assert got.headers["x-amz-checksum-type"] == "COMPOSITE"
        assert "-" not in got.headers["x-amz-checksum-crc32"]
    head = call("HEAD", "/data/m?partNumber=2")
    assert (head.headers["content-length"], head.headers["content-range"]) == (
        "7",
        f"bytes {5 * MIB}-{5 * MIB + 6}/{5 * MIB + 7}",
    )
    assert "<Code>InvalidPart</Code>" in call("GET", "/data/m?partNumber=3").text
    assert "x-amz-mp-parts-count" not in call("HEAD", "/data/m").headers


def test_an_object_that_was_put_whole_is_part_1(call):
    call("PUT", "/data/k", body=b"xyz")
    got = call("GET", "/data/k?partNumber=1")
    assert (got.status, got.body, "x-amz-mp-parts-count" in got.headers) == (206, b"xyz", False)
    assert "<Code>InvalidPart</Code>" in call("GET", "/data/k?partNumber=2").text
    call("PUT", "/data/empty", body=b"")
    assert call("GET", "/data/empty?partNumber=1").status == 200


@pytest.mark.parametrize("number", ["0", "10001", "x", "-1", ""])
def test_numbers_that_there_are_not(call, number):
    call("PUT", "/data/k", body=b"xyz")
    assert call("GET", f"/data/k?partNumber={number}").status == 400


def test_a_part_and_a_range(call):
    call("PUT", "/data/k", body=b"xyz")
    assert "<Code>InvalidRequest</Code>" in call("GET", "/data/k?partNumber=1", headers={"range": "bytes=0-1"}).text


def test_a_part_of_a_missing_object(call):
    assert "<Code>NoSuchKey</Code>" in call("GET", "/data/none?partNumber=1").text
