"""The space of a search: its dimensions, their conditions, and the constraints between them.

Knows numbers and names; knows nothing of plans, networks or samplers.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from naiad.errors import OptionError, did_you_mean
from naiad.trainer.tuning.constraint import Constraint
from naiad.trainer.tuning.dimension import Dimension, Kind
from naiad.trainer.tuning.trial import Value


@dataclass(frozen=True)
class Space:
    """Dimensions in an order in which each follows those of its condition; ``make_space`` finds it."""

    dimensions: tuple[Dimension, ...]
    constraints: tuple[Constraint, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dimension.name for dimension in self.dimensions)

    @property
    def size(self) -> float:
        """Number of combinations, without regard to conditions and constraints."""
        return math.prod(dimension.size for dimension in self.dimensions)

    def dimension(self, name: str) -> Dimension:
        return next(dimension for dimension in self.dimensions if dimension.name == name)

    def at(self, fractions: Sequence[float]) -> dict[str, Value]:
        """Returns the values at a point of the unit cube, without those whose condition is not met."""
        values: dict[str, Value] = {}
        for dimension, fraction in zip(self.dimensions, fractions, strict=True):
            if dimension.when is None or dimension.when.is_met(values):
                values[dimension.name] = dimension.value_at(fraction)
        return values

    def is_allowed(self, values: Mapping[str, Value]) -> bool:
        return all(constraint.is_met(values) for constraint in self.constraints)

    def grid(self) -> Iterator[dict[str, Value]]:
        """Yields each combination of the dimensions' grids that is allowed, once."""
        return self._products([dimension.grid() for dimension in self.dimensions])

    def combinations(self) -> Iterator[dict[str, Value]]:
        """Yields each combination that is allowed, once. All dimensions must be finite."""
        return self._products([dimension.all_values() for dimension in self.dimensions])

    def _products(self, parts: Sequence[Sequence[Value]]) -> Iterator[dict[str, Value]]:
        seen = set()
        for combination in itertools.product(*parts):
            values: dict[str, Value] = {}
            for dimension, value in zip(self.dimensions, combination, strict=True):
                if dimension.when is None or dimension.when.is_met(values):
                    values[dimension.name] = value
            key = tuple(values.items())
            if key not in seen and self.is_allowed(values):
                seen.add(key)
                yield values

    def read_values(self, stored: Mapping[str, object]) -> dict[str, Value] | None:
        """Returns values of another search as far as this space has them; None where one is outside or missing."""
        values: dict[str, Value] = {}
        for dimension in self.dimensions:
            if dimension.when is not None and not dimension.when.is_met(values):
                continue
            try:
                values[dimension.name] = dimension.read_value(stored[dimension.name])
            except (KeyError, OptionError):
                return None
        return values if self.is_allowed(values) else None

    def to_json(self) -> list[dict[str, Any]]:
        return [dimension.to_json() for dimension in self.dimensions]


def make_space(dimensions: Sequence[Dimension], constraints: Sequence[Constraint] = ()) -> Space:
    """Raises OptionError for two dimensions of one name, a condition without its dimension, an unknown name in a constraint."""
    by_name = {dimension.name: dimension for dimension in dimensions}
    if len(by_name) < len(dimensions):
        twice = next(name for name in by_name if sum(one.name == name for one in dimensions) > 1)
        raise OptionError(f"the space has {twice} twice", hint="leave one of the two out")
    for constraint in constraints:
        _check_constraint(constraint, by_name)
    ordered: dict[str, Dimension] = {}
    for dimension in dimensions:
        _add_in_order(dimension, by_name, ordered, inside=(dimension.name,))
    return Space(tuple(ordered.values()), tuple(constraints))


def _add_in_order(
    dimension: Dimension, by_name: Mapping[str, Dimension], ordered: dict[str, Dimension], *, inside: tuple[str, ...]
) -> None:
    """Adds the dimension after the one of its condition. inside: the dimensions that wait for this one."""
    if dimension.when is not None and dimension.name not in ordered:
        other = dimension.when.name
        if other not in by_name:
            message = f"{dimension.name} counts only with {other}, which the space has not"
            raise OptionError(message, hint=did_you_mean(other, by_name))
        if other in inside:
            raise OptionError(f"the conditions of {', '.join(inside)} go in a circle")
        _check_condition(dimension, by_name[other])
        _add_in_order(by_name[other], by_name, ordered, inside=(*inside, other))
    ordered.setdefault(dimension.name, dimension)


def _check_constraint(constraint: Constraint, by_name: Mapping[str, Dimension]) -> None:
    unknown = next((name for name in sorted(constraint.names) if name not in by_name), None)
    if unknown is not None:
        raise OptionError(
            f"the constraint {constraint.text!r} names {unknown}, which the space has not",
            hint=did_you_mean(unknown, by_name),
        )


def _check_condition(dimension: Dimension, other: Dimension) -> None:
    assert dimension.when is not None
    if other.kind is Kind.CONTINUOUS:
        raise OptionError(
            f"{dimension.name} counts only with values of {other.name}, which is a range of numbers: {other}",
            hint="a condition names categories or whole numbers",
        )
    known = [value for value in dimension.when.values if _has(other, value)]
    if len(known) < len(dimension.when.values):
        unknown = next(value for value in dimension.when.values if value not in known)
        raise OptionError(
            f"{dimension.name} counts only with {other.name} {unknown}, which {other.name} has not",
            hint=did_you_mean(unknown, other.choices) if other.choices else f"{other.name}: {other}",
        )


def _has(dimension: Dimension, value: str) -> bool:
    """Whether a value of the dimension is written so."""
    try:
        return str(dimension.read_value(value)) == value
    except OptionError:
        return False
