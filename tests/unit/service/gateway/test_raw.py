"""A request as it came in."""

from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from naiad.service.gateway.raw import RawRequest

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)


@given(st.lists(st.tuples(TEXT.filter(bool), TEXT), max_size=5))
def test_a_query_is_read_as_it_was_written(pairs):
    text = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    assert RawRequest("GET", "/", text, {}).query == tuple(pairs)


def test_queries_that_are_odd():
    """Once decoded and no further; a plus is a plus, as S3 has it."""
    raw = RawRequest("GET", "/", "&acl&a=1&a=2&b=%252e&c=a+b&=x&d=%ff&e==", {})
    assert raw.query == (
        ("acl", ""), ("a", "1"), ("a", "2"), ("b", "%2e"), ("c", "a+b"), ("", "x"), ("d", "\ufffd"), ("e", "="),
    )  # fmt: skip
    assert raw.asked["a"] == "1"


def test_headers():
    raw = RawRequest("GET", "/", "", {"host": "x"})
    assert (raw.header("host"), raw.header("range")) == ("x", "")
