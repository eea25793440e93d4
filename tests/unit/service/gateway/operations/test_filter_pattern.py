"""Filter patterns for plain text."""

import pytest

from naiad.service.domain.errors import Invalid
from naiad.service.gateway.operations.filter_pattern import compile_filter_pattern


@pytest.mark.parametrize(
    ("pattern", "line", "passes"),
    [
        ("", "anything", True),
        ("ERROR", "an ERROR here", True),
        ("ERROR", "an error here", False),
        ("a b", "b a", True),
        ("a b", "only a", False),
        ('"a b"', "x a b y", True),
        ('"a b"', "b a", False),
        ("?WARN ?ERROR", "WARN", True),
        ("?WARN ?ERROR", "info", False),
        ("ERROR -known", "ERROR known", False),
        ("ERROR -known", "ERROR new", True),
        ("loss=0.5", "epoch 1 loss=0.5", True),
    ],
)
def test_plain_text(pattern: str, line: str, passes: bool) -> None:
    assert compile_filter_pattern(pattern)(line) is passes


@pytest.mark.parametrize("pattern", ["{ $.level = 1 }", "[ip, user]", "%ERR.*%"])
def test_other_patterns_are_not_served(pattern: str) -> None:
    with pytest.raises(Invalid, match="is not plain text"):
        compile_filter_pattern(pattern)
