"""Requests as they arrive."""

import time
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from naiad.service.gateway.http.request import Request

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)


@given(st.lists(st.tuples(TEXT.filter(bool), TEXT), max_size=5))
def test_a_query_is_decoded(pairs):
    text = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    assert Request("GET", "/", text, {}).query_pairs == tuple(pairs)


def test_odd_queries():
    """Decoded once; a plus stays a plus, as in S3."""
    request = Request("GET", "/", "&acl&a=1&a=2&b=%252e&c=a+b&=x&d=%ff&e==", {})
    assert request.query_pairs == (
        ("acl", ""), ("a", "1"), ("a", "2"), ("b", "%2e"), ("c", "a+b"), ("", "x"), ("d", "\ufffd"), ("e", "="),
    )  # fmt: skip
    assert request.query_params["a"] == "1"


def test_a_header_that_comes_again_and_again():
    """The values are joined once: joining each to the others took a time that grew with the square of their number."""
    scope = {"method": "GET", "path": "/", "query_string": b"", "headers": [(b"A", b"1"), (b"b", b"2"), (b"a", b"3")]}
    assert Request.from_asgi(scope, None, "id").headers == {"a": "1,3", "b": "2"}
    started = time.perf_counter()
    request = Request.from_asgi({**scope, "headers": [(b"a", b"b" * 100)] * 50_000}, None, "id")
    assert len(request.header("a")) == 101 * 50_000 - 1
    assert time.perf_counter() - started < 5


def test_headers():
    request = Request("GET", "/", "", {"host": "x"})
    assert (request.header("host"), request.header("range")) == ("x", "")
