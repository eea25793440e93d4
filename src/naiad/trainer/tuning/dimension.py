"""One dimension of a space: a range of numbers on a scale, or categories.

A point of the unit interval is a value of the dimension, and the other way round: random numbers, sequences of low discrepancy
and models of the objective all work in unit intervals.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from naiad.errors import OptionError, describe_value
from naiad.trainer.tuning.trial import Value

GRID_POINTS = 5
"""Points of a dimension of numbers in a grid."""
_AUTO_LOG_FACTOR = 100
"""Ratio of the ends from which on the scale ``auto`` is logarithmic."""


class Kind(StrEnum):
    CONTINUOUS = "continuous"
    INTEGER = "integer"
    CATEGORICAL = "categorical"


class Scale(StrEnum):
    LINEAR = "linear"
    LOG = "log"
    REVERSE_LOG = "reverse_log"
    """Logarithmic in 1 - value: for momenta and decays near 1."""


@dataclass(frozen=True)
class Condition:
    """Another dimension, and its values with which this one counts."""

    name: str
    values: tuple[str, ...]

    def is_met(self, values: Mapping[str, Value]) -> bool:
        return self.name in values and str(values[self.name]) in self.values


@dataclass(frozen=True)
class Dimension:
    """Raises OptionError for ends that are no range on its scale, and for categories that are not several names."""

    name: str
    kind: Kind
    low: float = 0.0
    high: float = 0.0
    """The ends, both included; of numbers only."""
    scale: Scale = Scale.LINEAR
    choices: tuple[str, ...] = ()
    """Names of the categories."""
    when: Condition | None = None
    """None is a dimension that always counts."""
    objects: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """Python values that names of categories stand for, where they are no texts."""

    def __post_init__(self) -> None:
        if self.kind is Kind.CATEGORICAL:
            self._check_choices()
        else:
            self._check_ends()

    @property
    def size(self) -> float:
        """Number of its values; infinity for a range of real numbers."""
        if self.kind is Kind.CATEGORICAL:
            return len(self.choices)
        if self.low == self.high:
            return 1
        return self.high - self.low + 1 if self.kind is Kind.INTEGER else math.inf

    def value_at(self, fraction: float) -> Value:
        """Returns the value at a point of the unit interval."""
        if self.kind is Kind.CATEGORICAL:
            return self.choices[min(len(self.choices) - 1, int(fraction * len(self.choices)))]
        low, high = self._scaled_ends()
        value = self._unscaled(low + fraction * (high - low))
        if self.kind is Kind.INTEGER:
            value = round(value)
        value = min(self.high, max(self.low, value))
        return int(value) if self.kind is Kind.INTEGER else float(value)

    def fraction_of(self, value: Value) -> float:
        """Returns the point of the unit interval in the middle of those that give the value."""
        if self.kind is Kind.CATEGORICAL:
            return (self.choices.index(str(value)) + 0.5) / len(self.choices)
        low, high = self._scaled_ends()
        return 0.5 if low == high else min(1.0, max(0.0, (self._scaled(float(value)) - low) / (high - low)))

    def contains(self, value: object) -> bool:
        if self.kind is Kind.CATEGORICAL:
            return str(value) in self.choices
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return self.low <= value <= self.high and (self.kind is Kind.CONTINUOUS or float(value).is_integer())

    def read_value(self, value: object) -> Value:
        """Returns a value that was written as text or number. Raises OptionError where it is outside."""
        read: object = str(value)
        if self.kind is not Kind.CATEGORICAL:
            try:
                read = float(str(value))
            except ValueError:
                read = value
            read = int(read) if self.kind is Kind.INTEGER and isinstance(read, float) and read.is_integer() else read
        if not self.contains(read):
            raise OptionError(f"{self.name} {describe_value(value)} is outside of {self}")
        assert isinstance(read, int | float | str)
        return read

    def all_values(self) -> tuple[Value, ...]:
        """Returns all values of a finite dimension, in order."""
        if self.kind is Kind.INTEGER:
            return tuple(range(int(self.low), int(self.high) + 1))
        return self.choices or (self.low,)

    def grid(self) -> tuple[Value, ...]:
        """Returns its values in a grid: all of a small dimension, else some at even distances of its scale."""
        if self.size <= GRID_POINTS or self.kind is Kind.CATEGORICAL:
            return self.all_values()
        points = [self.value_at(index / (GRID_POINTS - 1)) for index in range(GRID_POINTS)]
        return tuple(dict.fromkeys(points))

    def to_json(self) -> dict[str, Any]:
        when = {} if self.when is None else {"when": {"name": self.when.name, "values": list(self.when.values)}}
        if self.kind is Kind.CATEGORICAL:
            values = {"values": list(self.choices), **({} if self.is_written_whole else {"are_objects": True})}
            return {"name": self.name, "type": self.kind.value, **values, **when}
        ends = {"low": self.low, "high": self.high, "scale": self.scale.value}
        return {"name": self.name, "type": self.kind.value, **ends, **when}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Dimension":
        """Raises OptionError. The scale ``auto`` is logarithmic for a wide range of positive numbers."""
        try:
            name, kind = str(stored["name"]), Kind(str(stored["type"]).lower())
            condition = stored.get("when")
            when = (
                None if condition is None else Condition(str(condition["name"]), tuple(map(str, condition["values"])))
            )
            if kind is Kind.CATEGORICAL:
                return cls(name, kind, choices=tuple(map(str, stored["values"])), when=when)
            low, high = float(stored["low"]), float(stored["high"])
            return cls(name, kind, low, high, _read_scale(str(stored.get("scale", "linear")), low, high), when=when)
        except (KeyError, TypeError, ValueError) as error:
            raise OptionError(
                f"{describe_value(dict(stored))} is no dimension: {error!r}",
                hint="give name, type (continuous, integer, categorical), and low and high, or values",
            ) from error

    @property
    def is_written_whole(self) -> bool:
        """Whether ``from_json`` gives all of its values: it has no Python objects but numbers, True, False and None."""
        return all(value is None or isinstance(value, bool | int | float) for value in self.objects.values())

    def __str__(self) -> str:
        if self.kind is Kind.CATEGORICAL:
            return ", ".join(self.choices)
        kind = "whole numbers " if self.kind is Kind.INTEGER else ""
        scale = "" if self.scale is Scale.LINEAR else f" ({self.scale.value})"
        return f"{kind}{self.low:g} to {self.high:g}{scale}"

    # ---- scales

    def _scaled_ends(self) -> tuple[float, float]:
        if self.kind is Kind.INTEGER and self.low < self.high:  # each whole number has a part of the interval
            low = max(self.low - 0.5, self.low / 2) if self.scale is Scale.LOG else self.low - 0.5
            return self._scaled(low), self._scaled(self.high + 0.5 - 1e-9)
        low, high = self._scaled(self.low), self._scaled(self.high)
        return low, high

    def _scaled(self, value: float) -> float:
        match self.scale:
            case Scale.LOG:
                return math.log(value)
            case Scale.REVERSE_LOG:
                return -math.log(1.0 - value)
            case Scale.LINEAR:
                return value

    def _unscaled(self, scaled: float) -> float:
        match self.scale:
            case Scale.LOG:
                return math.exp(scaled)
            case Scale.REVERSE_LOG:
                return 1.0 - math.exp(-scaled)
            case Scale.LINEAR:
                return scaled

    # ---- checks

    def _check_choices(self) -> None:
        if not self.choices or len(set(self.choices)) < len(self.choices):
            raise OptionError(
                f"the values of {self.name} must be different names, given {', '.join(self.choices) or 'none'}"
            )

    def _check_ends(self) -> None:
        low, high = self.low, self.high
        if not (math.isfinite(low) and math.isfinite(high) and low <= high):
            raise OptionError(f"{self.name} must go from a number to a larger one, given {low:g} to {high:g}")
        if self.kind is Kind.INTEGER and not (float(low).is_integer() and float(high).is_integer()):
            raise OptionError(f"{self.name} takes whole numbers, given {low:g} to {high:g}")
        if self.scale is Scale.LOG and low <= 0:
            raise OptionError(
                f"{self.name} has a logarithmic scale, which begins above 0, given {low:g}",
                hint="raise its lower end, or give it a linear scale",
            )
        if self.scale is Scale.REVERSE_LOG and not (low >= 0 and high < 1 and self.kind is Kind.CONTINUOUS):
            raise OptionError(
                f"{self.name} has the scale reverse_log, for numbers from 0 to below 1, given {low:g} to {high:g}"
            )


def _read_scale(text: str, low: float, high: float) -> Scale:
    name = text.lower()
    if name == "auto":
        return Scale.LOG if low > 0 and high / low >= _AUTO_LOG_FACTOR else Scale.LINEAR
    return {"logarithmic": Scale.LOG, "reverselogarithmic": Scale.REVERSE_LOG}.get(name) or Scale(name)
