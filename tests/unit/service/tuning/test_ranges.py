from typing import Any

import pytest

from naiad.service.domain.errors import Invalid
from naiad.service.tuning.ranges import Dimension, combinations, read_dimensions, texts_of


def continuous(low: str, high: str, scaling: str | None = None) -> dict[str, Any]:
    entry = {"Name": "lr", "MinValue": low, "MaxValue": high, **({"ScalingType": scaling} if scaling else {})}
    return {"ContinuousParameterRanges": [entry]}


def integer(low: str, high: str, scaling: str = "Linear") -> dict[str, Any]:
    return {"IntegerParameterRanges": [{"Name": "n", "MinValue": low, "MaxValue": high, "ScalingType": scaling}]}


@pytest.mark.parametrize(
    ("ranges", "scale"),
    [
        (continuous("0", "1", "Linear"), "linear"),
        (continuous("0.001", "1", "Logarithmic"), "log"),
        (continuous("0.5", "0.999", "ReverseLogarithmic"), "reverse_log"),
        (continuous("0.0001", "1", "Auto"), "log"),
        (continuous("0.0001", "1"), "log"),
        (continuous("0.1", "0.9", "Auto"), "linear"),
        (continuous("0.5", "0.999", "Auto"), "reverse_log"),
        (continuous("-1", "1", "Auto"), "linear"),
        (integer("1", "1000", "Auto"), "log"),
    ],
)
def test_scales(ranges: dict[str, Any], scale: str) -> None:
    [dimension] = read_dimensions(ranges, at="ParameterRanges")
    assert dimension.scale == scale


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        (continuous("2", "1"), "MinValue 2 is above MaxValue 1"),
        (continuous("x", "1"), "MinValue is 'x'; give a number"),
        (continuous("nan", "1"), "MinValue is 'nan'; give a number"),
        (continuous("0", "inf"), "MaxValue is 'inf'; give a number"),
        (continuous("0", "1", "Logarithmic"), "needs a MinValue above 0, given 0"),
        (continuous("0", "1", "ReverseLogarithmic"), "MaxValue < 1, given 0 and 1"),
        (continuous("-1e308", "1e308"), "further apart than numbers reach"),
        (integer("1.5", "3"), "'1.5'; give a whole number"),
        (integer("1", "3", "ReverseLogarithmic"), "is for ContinuousParameterRanges"),
        ({**continuous("0", "1"), "CategoricalParameterRanges": [{"Name": "lr", "Values": ["a"]}]}, "'lr' twice"),
        ({"CategoricalParameterRanges": [{"Name": "a", "Values": ["x", "x"]}]}, "value 'x' twice"),
    ],
)
def test_ranges_that_cannot_be_searched_are_refused(ranges: dict[str, Any], message: str) -> None:
    with pytest.raises(Invalid, match=message):
        read_dimensions(ranges, at="ParameterRanges")


def test_the_search_counts_no_range_of_a_billion_whole_numbers() -> None:
    """A table of them would fill the memory."""
    [wide] = read_dimensions(integer("1", "1000000000", "Logarithmic"), at="ParameterRanges")
    assert wide.to_json() == {"name": "n", "type": "continuous", "low": 1.0, "high": 1e9, "scale": "log"}
    assert [wide.text_of(value) for value in (1.2, 999_999_999.7, 7)] == ["1", "1000000000", "7"]
    [small] = read_dimensions(integer("1", "10000"), at="ParameterRanges")
    assert small.to_json()["type"] == "integer"


def test_values_become_the_texts_that_jobs_get() -> None:
    dimensions = (
        Dimension("lr", "continuous", 0.0, 1.0),
        Dimension("n", "integer", 1, 64),
        Dimension("act", "categorical", choices=('"relu"', '"gelu"')),
    )
    assert texts_of(dimensions, {"lr": 0.1, "n": 7, "act": '"gelu"'}) == {"lr": "0.1", "n": "7", "act": '"gelu"'}
    assert [one.to_json()["type"] for one in dimensions] == ["continuous", "integer", "categorical"]
    assert dimensions[1].to_json()["high"] == 64


@pytest.mark.parametrize("values", [{}, {"lr": 2.0}, {"lr": "x"}, {"lr": None}])
def test_values_outside_of_the_ranges_are_no_trial(values: dict[str, Any]) -> None:
    with pytest.raises((KeyError, ValueError, TypeError)):
        texts_of((Dimension("lr", "continuous", 0.0, 1.0),), values)


def test_texts_of_another_job_are_compared_with_the_range() -> None:
    rate, count = Dimension("lr", "continuous", 0.0, 1.0), Dimension("n", "integer", 1, 4)
    assert [rate.has(text) for text in ("0.5", "2", "x", "")] == [True, False, False, False]
    assert [count.has(text) for text in ("2", "2.5", "9")] == [True, False, False]
    assert Dimension("a", "categorical", choices=("x",)).has("x")


def test_combinations_of_categories() -> None:
    categories = [
        Dimension("a", "categorical", choices=("1", "2", "3")),
        Dimension("b", "categorical", choices=("x", "y")),
    ]
    assert combinations(categories) == 6
