from pathlib import Path

import pytest

from naiad.errors import OptionError
from naiad.trainer.option_text import (
    parse_assignments,
    parse_duration_s,
    parse_image_size,
    parse_plan,
    parse_types,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("60s", 60.0), ("5m", 300.0), ("1h", 3600.0), ("1.5h", 5400.0), ("90", 90.0), (" 2 M ", 120.0)],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration_s(text) == seconds


def test_a_duration_that_is_left_out_is_none() -> None:
    assert parse_duration_s(None) is None


@pytest.mark.parametrize("text", ["", "soon", "-5s", "0s", "5 days", "1m30s"])
def test_a_text_that_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="is not a duration") as caught:
        parse_duration_s(text)
    assert caught.value.hint == "write it as 60s, 5m or 1h"


def test_image_sizes() -> None:
    assert parse_image_size("32") == 32
    assert parse_image_size("32x48") == (32, 48)
    assert parse_image_size(None) is None


@pytest.mark.parametrize("text", ["0", "x32", "32x", "32x0", "big"])
def test_a_text_that_is_no_image_size_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="is not an image size"):
        parse_image_size(text)


def test_assignments_split_at_the_first_equals_sign() -> None:
    assert parse_assignments(["learning_rate=0.05", "augment = flip=x"]) == {
        "learning_rate": "0.05",
        "augment": "flip=x",
    }


@pytest.mark.parametrize("pair", ["learning_rate", "=0.05", ""])
def test_a_text_that_is_no_assignment_is_refused(pair: str) -> None:
    with pytest.raises(OptionError, match="takes name=value"):
        parse_assignments([pair])


def test_a_name_has_one_value() -> None:
    assert parse_assignments(["epochs=1", "epochs = 1"]) == {"epochs": "1"}
    with pytest.raises(OptionError, match="--set epochs is given twice: 1 and 2"):
        parse_assignments(["epochs=1", "epochs=2"])
    with pytest.raises(OptionError, match="--type zip is given twice: text and number"):
        parse_types(["zip=text", "zip=number"])


def test_a_plan_is_a_file_or_single_choices() -> None:
    assert parse_plan("run/plan.json", ()) == Path("run/plan.json")
    assert parse_plan(None, ["epochs=3"]) == {"epochs": "3"}
    with pytest.raises(OptionError, match="--set epochs would change it"):
        parse_plan("run", ["epochs=3"])
