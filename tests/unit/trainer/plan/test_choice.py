"""The description of a choice, and how a value from outside is read by it."""

from dataclasses import dataclass
from typing import Annotated

import pytest

from naiad.errors import OptionError
from naiad.trainer.plan.choice import Choice, Range, choices_of


@dataclass(frozen=True)
class Point:
    x: int


@dataclass(frozen=True)
class Example:
    count: Annotated[int, Choice("A number.", range=Range(most=10))]
    rate: Annotated[float | None, Choice("A rate.")]
    kinds: Annotated[tuple[str, ...], Choice("Some names.", names=("a", "b"))]
    epochs: Annotated[tuple[int, ...], Choice("Some epochs.")] = ()
    points: Annotated[tuple[Point, ...], Choice("Points.", is_settable=False)] = ()
    note: str = ""


CHOICES = choices_of(Example)


def test_annotations_describe_the_choices():
    assert list(CHOICES) == ["count", "rate", "kinds", "epochs", "points"]
    assert (CHOICES["count"].value_type, CHOICES["count"].is_optional, CHOICES["count"].has_default) == (
        int,
        False,
        False,
    )
    assert (CHOICES["rate"].value_type, CHOICES["rate"].is_optional) == (float, True)
    assert (CHOICES["points"].item_type, CHOICES["points"].has_default) == (Point, True)


@pytest.mark.parametrize(
    ("name", "value", "parsed"),
    [
        ("count", "7", 7), ("count", 7.0, 7), ("count", 0, 0), ("rate", "1e-3", 0.001), ("rate", "off", None),
        ("rate", None, None), ("kinds", "a,b", ("a", "b")), ("kinds", ["b"], ("b",)), ("kinds", "none", ()),
        ("epochs", "1,3", (1, 3)), ("epochs", [2], (2,)), ("epochs", "none", ()),
    ],
)  # fmt: skip
def test_a_value_is_read(name, value, parsed):
    assert CHOICES[name].parse(value) == parsed


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("count", "many", "count takes a whole number, given 'many'"),
        ("count", True, "count takes a whole number, given True"),
        ("count", 2.5, "count takes a whole number, given 2.5"),
        ("count", -1, "count must be 0 or more and at most 10, given -1"),
        ("count", 11, "count must be 0 or more and at most 10, given 11"),
        ("rate", 0, "rate must be more than 0, given 0"),
        ("rate", float("nan"), "rate must be more than 0, given nan"),
        ("kinds", "a,c", "kinds 'c' is not known"),
        ("kinds", 5, "kinds takes names, separated by commas, given 5"),
        ("epochs", 5, "epochs takes whole numbers, separated by commas, given 5"),
        ("epochs", "1,x", "epochs takes a whole number, given 'x'"),
        ("epochs", "0", "epochs must be more than 0, given 0"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused(name, value, message):
    with pytest.raises(OptionError, match=message):
        CHOICES[name].parse(value)


def test_a_refused_value_is_told_what_the_choice_means():
    with pytest.raises(OptionError) as error:
        CHOICES["count"].parse(11)
    assert error.value.hint == "count: A number"


def test_records_are_stored_as_objects():
    points = (Point(1), Point(2))
    plain = CHOICES["points"].to_plain(points)
    assert plain == [{"x": 1}, {"x": 2}]
    assert CHOICES["points"].from_plain(plain) == points
