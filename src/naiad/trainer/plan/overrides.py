"""The choices that the user makes in place of Naiad: ``plan={...}``, ``--set NAME=VALUE``, hyperparameters of a job."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from naiad.errors import OptionError, did_you_mean
from naiad.trainer.fit_options import FitOptions, flag_of
from naiad.trainer.plan import old_names
from naiad.trainer.plan.plan import CHOICES, Plan

_SETTABLE = [choice.name for choice in CHOICES.values() if choice.is_settable]
FIT_OPTIONS = frozenset(option.name for option in fields(FitOptions)) - frozenset(_SETTABLE)
"""Options of ``fit`` that are no choices of a plan."""
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


def join_limits(choices: Mapping[str, Any], limits: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the checked choices with ``epochs`` and ``time_limit_s`` of ``fit``; what is None was left out.

    Raises OptionError where both give a value, and another one.
    """
    joined = check_overrides(choices)
    for name, value in check_overrides({name: value for name, value in limits.items() if value is not None}).items():
        if joined.setdefault(name, value) != value:
            raise OptionError(
                f"{name} is given twice: {joined[name]} as a choice of the plan, and {value}",
                hint="leave one of the two out",
            )
    return joined


def check_microbatch(plan: Plan) -> None:
    """Raises OptionError for a plan whose microbatch is larger than its batch."""
    if plan.microbatch_size > plan.batch_size:
        raise OptionError(
            f"microbatch_size {plan.microbatch_size} is larger than batch_size {plan.batch_size}, which it is a part of",
            hint="leave microbatch_size out, or set a batch_size of at least as many samples",
        )


def _check(name: str, value: Any) -> Any:
    new_name = old_names.CHOICES.get(name)
    if new_name in _SETTABLE:
        raise OptionError(f"the plan's choice {name!r} is now called {new_name!r}", hint=f"write {new_name}={value}")
    if name in FIT_OPTIONS:
        raise OptionError(
            f"{name} is no choice of the plan, but an option of its own",
            hint=f"give {flag_of(name)} on the command line, the argument {name} of fit in Python",
        )
    if name in CHOICES and name not in _SETTABLE:
        raise OptionError(f"{name} cannot be set: it follows from the run", hint=_FOLLOWS.get(name))
    if name not in _SETTABLE:
        raise OptionError(f"plan has no choice {name!r}", hint=did_you_mean(str(name), _SETTABLE))
    choice = CHOICES[name]
    uses_rule = choice.is_measured and isinstance(value, str) and value == USE_RULE
    return USE_RULE if uses_rule else choice.parse(value)


_FOLLOWS = {"total_steps": "set epochs or a time limit"}
"""Advice for each choice that follows from others."""
