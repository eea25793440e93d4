"""Targets of the names of a space: a choice of the plan, a parameter of the network, or a factor of a choice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from naiad.errors import OptionError, did_you_mean
from naiad.trainer.plan.overrides import check_overrides
from naiad.trainer.plan.plan import CHOICES
from naiad.trainer.tuning.dimension import Dimension, Kind
from naiad.trainer.tuning.networks import ACTIVATION, DROPOUT, NETWORK_PREFIX
from naiad.trainer.tuning.space import Space
from naiad.trainer.tuning.trial import Value

FACTORS: Mapping[str, str] = {"learning_rate_factor": "learning_rate", "weight_decay_factor": "weight_decay"}
"""Names that multiply what the plan would choose for the trial's optimizer, batch size and length."""
ALIASES: Mapping[str, str] = {
    "lr": "learning_rate",
    "wd": "weight_decay",
    "bs": "batch_size",
    "batch": "batch_size",
    "amp": "precision",
    "augmentation": "augment",
}
"""Choices of the plan by the names that they have in other trainers."""
_SETTABLE = frozenset(name for name, choice in CHOICES.items() if choice.is_settable)


@dataclass(frozen=True)
class TrialChoices:
    """The values of a trial, sorted by what they change."""

    plan: dict[str, Any] = field(default_factory=dict)
    factors: dict[str, float] = field(default_factory=dict)
    """Factors by the choice that they multiply."""
    network: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Targets:
    """Raises OptionError for an unknown name, two names of one thing, and a value that a choice of the plan does not take.

    parameters: names of the network's own parameters.
    """

    space: Space
    parameters: Sequence[str]

    def __post_init__(self) -> None:
        seen: dict[str, str] = {}
        for dimension in self.space.dimensions:
            what = self._what(dimension.name)
            if what in seen:
                raise OptionError(f"{seen[what]} and {dimension.name} are the same", hint="leave one of the two out")
            seen[what] = dimension.name
            if what in _SETTABLE:
                _check_plan_dimension(dimension, what)

    def choices(self, values: Mapping[str, Value]) -> TrialChoices:
        chosen = TrialChoices()
        for name, value in values.items():
            what, dimension = self._what(name), self.space.dimension(name)
            if what in _SETTABLE:
                chosen.plan[what] = _plan_value(what, value)
            elif what in FACTORS:
                chosen.factors[FACTORS[what]] = float(value)
            else:
                chosen.network[what.removeprefix(NETWORK_PREFIX)] = python_value(dimension, value)
        return chosen

    def has(self, what: str) -> bool:
        """Whether the space changes the choice, by its own name, another one or a factor."""
        names = {self._what(dimension.name) for dimension in self.space.dimensions}
        return what in names or any(factor in names for factor, choice in FACTORS.items() if choice == what)

    def canonical(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """Returns the values by the names that do not depend on how this search was written."""
        return {self._what(name): value for name, value in values.items()}

    def named(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """Returns values with canonical names by the names of this space, as far as it has them."""
        own = {self._what(dimension.name): dimension.name for dimension in self.space.dimensions}
        return {own[what]: value for what, value in values.items() if what in own}

    def _what(self, name: str) -> str:
        """Returns the canonical name."""
        own = frozenset(self.parameters)
        if name.startswith(NETWORK_PREFIX) and name.removeprefix(NETWORK_PREFIX) in own:
            return name
        canonical = ALIASES.get(name, name)
        if canonical in _SETTABLE or canonical in FACTORS:
            return canonical
        if name in own or name in (ACTIVATION, DROPOUT):
            return f"{NETWORK_PREFIX}{name}"
        if canonical in CHOICES:
            check_overrides({canonical: None})  # raises: it follows from the run
        known = {*_SETTABLE, *FACTORS, *ALIASES, *own, ACTIVATION, DROPOUT}
        raise OptionError(
            f"the space has {name!r}, which is neither a choice of the plan nor a parameter of the network",
            hint=did_you_mean(name, known),
        )


def python_value(dimension: Dimension, value: Value) -> Any:
    """Returns what a category's name stands for: its object, a number, True, False, None, a tuple of ``64+32``, or the text."""
    if dimension.kind is not Kind.CATEGORICAL:
        return value
    text = str(value)
    if text in dimension.objects:
        return dimension.objects[text]
    if "+" in text.lstrip("+"):
        return tuple(_plain(part) for part in text.split("+"))
    return _plain(text)


def find_value(dimension: Dimension, value: Any) -> Value | None:
    """Returns the value of the dimension that stands for a value in Python; None where it has none."""
    if dimension.kind is Kind.CATEGORICAL:
        named = (name for name in dimension.choices if _is_same(python_value(dimension, name), value))
        return str(value) if isinstance(value, str) and value in dimension.choices else next(named, None)
    try:
        return dimension.read_value(value)
    except OptionError:
        return None


def _is_same(one: Any, other: Any) -> bool:
    are_both_numbers = isinstance(one, bool) == isinstance(other, bool)
    return are_both_numbers and type(one == other) is bool and bool(one == other)


def _plain(text: str) -> Any:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return {"true": True, "false": False, "none": None}.get(text.lower(), text)


def _plan_value(name: str, value: Value) -> Any:
    """Raises OptionError. Several names of one choice are joined by a plus sign: ``flip+crop``."""
    return check_overrides({name: value.replace("+", ",") if isinstance(value, str) else value})[name]


def _check_plan_dimension(dimension: Dimension, what: str) -> None:
    if (
        dimension.kind is not Kind.CATEGORICAL
        and CHOICES[what].value_type is int
        and dimension.kind is not Kind.INTEGER
    ):
        raise OptionError(
            f"{dimension.name} takes whole numbers, given {dimension}",
            hint=f"write int:{dimension.low:g}:{dimension.high:g} or logint:{dimension.low:g}:{dimension.high:g}",
        )
    for value in dimension.choices or (dimension.value_at(0.0), dimension.value_at(1.0)):
        _plan_value(what, value)
