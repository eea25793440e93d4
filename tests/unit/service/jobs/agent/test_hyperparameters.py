import pytest

from naiad.service.domain.errors import Invalid
from naiad.service.jobs.agent.hyperparameters import command_line_arguments, decode_values


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), ('"1"', "1"), ("true", True), ("[1]", [1]), ("adam", "adam"), ("", ""), ("1e-3", 0.001)],
)
def test_a_value_is_json_or_plain_text(text: str, value: object) -> None:
    assert decode_values({"x": text}) == {"x": value}


def test_command_line_arguments() -> None:
    assert command_line_arguments({"b": 1, "long": "x y", "list": [1]}) == ["-b", "1", "--long", "x y", "--list", "[1]"]


@pytest.mark.parametrize("values", [{"lr": '"a\\u0000b"'}, {"lr": "a\0b"}, {"a\0b": "1"}, {"lr": '"\\ud800"'}])
def test_a_value_that_cannot_be_an_argument_is_refused(values: dict[str, str]) -> None:
    with pytest.raises(Invalid, match="the hyperparameter"):
        decode_values(values)


def test_a_text_that_only_begins_like_json_is_plain_text() -> None:
    assert decode_values({"a": "[" * 2000, "b": "{", "c": "1e", "d": "null"}) == {
        "a": "[" * 2000,
        "b": "{",
        "c": "1e",
        "d": None,
    }
