"""The choices that the user makes in place of Naiad: ``plan={...}``, ``--set NAME=VALUE``, hyperparameters of a job."""

from collections.abc import Mapping
from typing import Any

from naiad.errors import OptionError, did_you_mean
from naiad.trainer.plan import old_names
from naiad.trainer.plan.plan import CHOICES

USE_RULE = "rule"
"""The value of an override that has a choice made by its rule, without measuring."""


def check_overrides(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The overrides with their values as a plan holds them, or USE_RULE.

    Raises OptionError for an unknown name, a wrong type or a value out of range.
    """
    return {name: _check(name, value) for name, value in overrides.items()}


def fixed_values(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The checked overrides that give a value."""
    return {name: value for name, value in overrides.items() if value != USE_RULE}


def _check(name: str, value: Any) -> Any:
    settable = [choice.name for choice in CHOICES.values() if choice.is_settable]
    new_name = old_names.CHOICES.get(name)
    if new_name in settable:
        raise OptionError(f"the plan's choice {name!r} is now called {new_name!r}", hint=f"write {new_name}={value}")
    if name not in settable:
        raise OptionError(f"plan has no choice {name!r}", hint=did_you_mean(str(name), settable))
    choice = CHOICES[name]
    uses_rule = choice.is_measured and isinstance(value, str) and value == USE_RULE
    return USE_RULE if uses_rule else choice.parse(value)
