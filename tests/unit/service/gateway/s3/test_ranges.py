"""Ranges of bytes."""

import pytest

from naiad.service.gateway.s3.errors import S3Error
from naiad.service.gateway.s3.ranges import ByteRange, parse_copy_range, parse_range


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bytes=0-0", ByteRange(0, 1)),
        ("bytes=2-", ByteRange(2, 8)),
        ("bytes=-3", ByteRange(7, 3)),
        ("bytes=-99", ByteRange(0, 10)),
        ("bytes=9-99", ByteRange(9, 1)),
        ("bytes=5-4", None),
        ("bytes=-", None),
        ("bytes=0-1,3-4", None),
        ("lines=1-2", None),
        ("bytes=a-b", None),
    ],
)
def test_ranges_of_ten_bytes(text, expected):
    assert parse_range(text, 10) == expected


@pytest.mark.parametrize(("text", "size"), [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=-5", 0)])
def test_ranges_outside_the_object(text, size):
    with pytest.raises(S3Error) as caught:
        parse_range(text, size)
    assert (caught.value.status, caught.value.headers) == (416, {"content-range": f"bytes */{size}"})


def test_ranges_of_copies():
    assert parse_copy_range("", 10) == ByteRange(0, 10)
    assert parse_copy_range("bytes=2-5", 10) == ByteRange(2, 4)
    for text in ("bytes=2-", "bytes=-2", "bytes=2-10", "2-5", "bytes=5-2"):
        with pytest.raises(S3Error):
            parse_copy_range(text, 10)


def test_the_header_of_the_response():
    assert ByteRange(2, 4).content_range(10) == "bytes 2-5/10"
