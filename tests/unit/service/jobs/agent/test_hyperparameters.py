import pytest

from naiad.service.domain.errors import Invalid
from naiad.service.jobs.agent.hyperparameters import decode_values


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
