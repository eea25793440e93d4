"""Conditions of reads and copies."""

import datetime as dt

import pytest

from naiad.service.blobs.port import ObjectInfo
from naiad.service.gateway.s3.conditions import check_copy_conditions, check_read_conditions, is_if_range_fulfilled
from naiad.service.gateway.s3.errors import S3Error

INFO = ObjectInfo("b", "k", 1, "abc", dt.datetime(2026, 3, 4, 5, 6, 7, 800_000, tzinfo=dt.UTC))
BEFORE, AT, AFTER = (f"Wed, 04 Mar 2026 05:06:0{second} GMT" for second in (6, 7, 8))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, None),
        ({"if-match": '"abc"'}, None),
        ({"if-match": '"x", "abc"'}, None),
        ({"if-match": "*"}, None),
        ({"if-match": '"x"'}, 412),
        ({"if-none-match": '"abc"'}, 304),
        ({"if-none-match": 'W/"abc"'}, 304),
        ({"if-none-match": '"x"'}, None),
        ({"if-modified-since": AT}, 304),
        ({"if-modified-since": BEFORE}, None),
        ({"if-modified-since": "no date"}, None),
        ({"if-unmodified-since": BEFORE}, 412),
        ({"if-unmodified-since": AT}, None),
        ({"if-match": '"abc"', "if-unmodified-since": BEFORE}, None),
        ({"if-none-match": '"x"', "if-modified-since": AFTER}, None),
    ],
)
def test_reads_and_copies(make_request, headers, status):
    def status_of(check, prefix):
        try:
            check(make_request("GET", "/b/k", headers={prefix + name: value for name, value in headers.items()}), INFO)
        except S3Error as error:
            return error.status
        return None

    assert status_of(check_read_conditions, "") == status
    assert status_of(check_copy_conditions, "x-amz-copy-source-") == (412 if status else None)


@pytest.mark.parametrize(
    ("value", "is_fulfilled"), [("", True), ('"abc"', True), ('"x"', False), (AT, True), (BEFORE, False)]
)
def test_if_range(make_request, value, is_fulfilled):
    assert is_if_range_fulfilled(make_request("GET", "/b/k", headers={"if-range": value}), INFO) is is_fulfilled
