"""Paths and header values of calls."""

import pytest

from naiad.service.gateway.s3.errors import S3Error
from naiad.service.gateway.s3.s3_call import check_header_value, split_path


def test_paths():
    assert split_path("/") == ("", "")
    assert split_path("/b") == split_path("/b/") == ("b", "")
    assert split_path("/b//k/") == ("b", "/k/")
    assert split_path("/b/a%2Fb%252F+") == ("b", "a/b%2F+")
    with pytest.raises(S3Error):
        split_path("/b/%C3")


def test_header_values():
    assert check_header_value("n", "a b") == "a b"
    for value in ("a\r\nb", "\x7f", "ü"):
        with pytest.raises(S3Error):
            check_header_value("n", value)
    with pytest.raises(S3Error):
        check_header_value("x-amz-meta-a b", "1")
