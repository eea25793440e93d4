"""The ranges of hyperparameters in AWS's shape, as the dimensions of a search, and values as the texts that a job gets."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from naiad.service.contract.request_checks import Request, check_distinct
from naiad.service.domain.errors import Invalid

_SCALES = {"Linear": "linear", "Logarithmic": "log", "ReverseLogarithmic": "reverse_log"}
_WIDE = 100.0
"""A positive range whose ends are at least this factor apart is searched by its logarithm when its scaling type is Auto."""
_MAX_INTEGER = 2**53
"""Limit up to which a float holds every integer."""
_MAX_COUNTED = 10_000
"""Whole numbers that the search gets one by one. Its Gaussian process keeps a table of them; of more it gets the range."""


@dataclass(frozen=True)
class Dimension:
    """One hyperparameter that is tuned."""

    name: str
    type: str
    """``continuous``, ``integer`` or ``categorical``."""
    low: float = 0.0
    high: float = 0.0
    scale: str = "linear"
    """``linear``, ``log`` or ``reverse_log``."""
    choices: tuple[str, ...] = ()
    """The values of a categorical one."""

    def to_json(self) -> dict[str, Any]:
        """Returns the dimension as the search process reads it."""
        if self.type == "categorical":
            return {"name": self.name, "type": self.type, "values": list(self.choices)}
        is_counted = self.type == "integer" and self.high - self.low < _MAX_COUNTED
        number = int if is_counted else float
        return {
            "name": self.name,
            "type": "integer" if is_counted else "continuous",
            "low": number(self.low),
            "high": number(self.high),
            "scale": self.scale,
        }

    def text_of(self, value: Any) -> str:
        """Returns a value of the search as a job's hyperparameter. Raises ValueError, TypeError for what is no value of it."""
        if self.type == "categorical":
            if value not in self.choices:
                raise ValueError(f"{value!r} is no value of {self.name}")
            return str(value)
        number = float(value)
        if not self.low <= number <= self.high:
            raise ValueError(f"{value!r} is outside of the range of {self.name}")
        return str(round(number)) if self.type == "integer" else repr(number)

    def has(self, text: str) -> bool:
        """Whether a hyperparameter of another job is a value of this dimension."""
        try:
            self.text_of(text)
            return self.type != "integer" or float(text).is_integer()
        except (ValueError, OverflowError):
            return False

    @property
    def example(self) -> str:
        """A value, for checks of a request."""
        return self.choices[0] if self.choices else self.text_of(self.low)


def read_dimensions(ranges: Request, *, at: str) -> tuple[Dimension, ...]:
    """``ranges``: AWS's ParameterRanges. Raises Invalid; the message begins with ``at``."""
    dimensions = (
        *(_number(each, "continuous", at) for each in ranges.get("ContinuousParameterRanges", ())),
        *(_number(each, "integer", at) for each in ranges.get("IntegerParameterRanges", ())),
        *(_categorical(each, at) for each in ranges.get("CategoricalParameterRanges", ())),
    )
    check_distinct([one.name for one in dimensions], at=at)
    return dimensions


def combinations(dimensions: Sequence[Dimension]) -> int:
    """Returns the number of combinations of categorical values."""
    return math.prod(len(one.choices) for one in dimensions)


def texts_of(dimensions: Sequence[Dimension], values: Mapping[str, Any]) -> dict[str, str]:
    """Returns the values of one trial as texts. Raises KeyError, ValueError, TypeError for values that are missing or wrong."""
    return {one.name: one.text_of(values[one.name]) for one in dimensions}


def _number(entry: Mapping[str, Any], type_: str, at: str) -> Dimension:
    name, place = entry["Name"], f"{at}: {entry['Name']!r}"
    low, high = (_parse(entry[key], f"{place}: {key}", type_) for key in ("MinValue", "MaxValue"))
    if low > high:
        raise Invalid(f"{place}: MinValue {entry['MinValue']} is above MaxValue {entry['MaxValue']}; exchange them")
    if not math.isfinite(high - low):
        raise Invalid(f"{place}: MinValue and MaxValue are further apart than numbers reach; take a smaller range")
    scaling = entry.get("ScalingType", "Auto")
    if scaling == "Logarithmic" and low <= 0:
        raise Invalid(f"{place}: ScalingType Logarithmic needs a MinValue above 0, given {entry['MinValue']}")
    if scaling == "ReverseLogarithmic" and type_ == "integer":
        raise Invalid(f"{place}: ScalingType ReverseLogarithmic is for ContinuousParameterRanges; take another one")
    if scaling == "ReverseLogarithmic" and not (low >= 0 and high < 1):
        raise Invalid(
            f"{place}: ScalingType ReverseLogarithmic needs 0 <= MinValue and MaxValue < 1, given {entry['MinValue']} and "
            f"{entry['MaxValue']}"
        )
    return Dimension(name, type_, low, high, _SCALES.get(scaling) or _auto_scale(low, high, type_))


def _auto_scale(low: float, high: float, type_: str) -> str:
    if low > 0 and high / low >= _WIDE:
        return "log"
    if type_ == "continuous" and low >= 0 and high < 1 and (1 - low) / (1 - high) >= _WIDE:
        return "reverse_log"
    return "linear"


def _parse(text: str, place: str, type_: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise Invalid(f"{place} is {text!r}; give a number")
    if type_ == "integer" and not (number.is_integer() and abs(number) <= _MAX_INTEGER):
        raise Invalid(f"{place} is {text!r}; give a whole number, or use ContinuousParameterRanges")
    return number


def _categorical(entry: Mapping[str, Any], at: str) -> Dimension:
    values = entry["Values"]
    repeated = sorted({value for value in values if values.count(value) > 1})
    if repeated:
        raise Invalid(f"{at}: {entry['Name']!r} has the value {repeated[0]!r} twice; values must differ")
    return Dimension(entry["Name"], "categorical", choices=tuple(values))
