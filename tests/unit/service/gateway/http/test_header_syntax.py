"""Names and values that can stand in a header."""

import pytest

from naiad.service.gateway.http.header_syntax import is_header


def test_what_can_stand_in_a_header():
    assert is_header("x-amz-meta-a", "a b: c")
    assert is_header("x", "")


@pytest.mark.parametrize(
    ("name", "value"),
    [("a", "x\r\ny"), ("a", "\n"), ("a", "\x7f"), ("a", "ü"), ("a\n", "x"), ("a b", "x"), ("a:b", "x"), ("ü", "x"), ("", "x")],
)  # fmt: skip
def test_what_cannot(name, value):
    assert not is_header(name, value)
