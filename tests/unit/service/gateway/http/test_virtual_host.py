"""Virtual-hosted-style requests."""

import pytest

from naiad.service.gateway.http.request import Request
from naiad.service.gateway.http.virtual_host import to_path_style


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("naiad.s3.amazonaws.com", "/naiad/a%20b"),
        ("Naiad.s3.us-east-1.amazonaws.com:443", "/naiad/a%20b"),
        ("with.dots.s3.dualstack.eu-west-1.amazonaws.com", "/with.dots/a%20b"),
        ("s3.us-east-1.amazonaws.com", "/a%20b"),
        ("127.0.0.1:8128", "/a%20b"),
        ("naiad.s3.amazonaws.com.example.org", "/a%20b"),
        ("a/../b.s3.amazonaws.com", "/a%20b"),
        ("", "/a%20b"),
    ],
)
def test_the_bucket_comes_first_in_the_path(host, expected):
    assert to_path_style(Request("GET", "/a%20b", "", {"host": host} if host else {})) == expected
