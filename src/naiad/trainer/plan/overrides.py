"""What a user may wish of a plan: the names, types and ranges of its choices."""

import math
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from naiad.errors import OptionError, nearest
from naiad.trainer.plan.plan import Plan, choice_names

_NAMES = {
    "optimizer": ("sgd", "adamw", "muon"),
    "schedule": ("one-cycle", "cosine", "constant"),
    "augment": ("flip", "shift", "crop"),
    "precision": ("fp32", "bf16"),
    "memory_format": ("contiguous", "channels_last"),
    "feed": ("memory", "stream"),
    "keep": ("last", "best"),
    "compile": ("off", "on"),
    "fused": ("off", "on"),
    "normalisation": ("off", "on"),
    "calibrate": ("off", "on"),
}
RULE = "rule"
"""A choice that is made by rule, and not measured."""
MEASURED = frozenset(
    {
        "precision",
        "memory_format",
        "threads",
        "feed_workers",
        "batch_size",
        "learning_rate",
        "augment",
        "compile",
        "fused",
    }
)
_FIXED = {"total_steps", "seed", "pace", "halvings", "forecast"}
"""Follow from other choices or from the data."""


def check_wishes(wishes: Mapping[str, Any]) -> dict[str, Any]:
    """Each as the plan has it, or RULE. Raises OptionError for an unknown name, a wrong type or a value out of range."""
    settable = [name for name in choice_names() if name not in _FIXED]
    types = get_type_hints(Plan)
    checked = {}
    for name, value in wishes.items():
        if name not in settable:
            raise OptionError(f"plan has no choice {name!r}", hint=nearest(name, settable))
        ruled = value == RULE and name in MEASURED
        checked[name] = RULE if ruled else _checked(name, value, types[name])
    return checked


def kept(wishes: Mapping[str, Any]) -> dict[str, Any]:
    """The choices that have a value already."""
    return {name: value for name, value in wishes.items() if value != RULE}


def _checked(name: str, value: Any, kind: Any) -> Any:
    allowed = _NAMES.get(name)
    if name == "augment":
        parts = tuple(value.split(",")) if isinstance(value, str) else tuple(value)
        return tuple(_one_of(name, part, allowed or ()) for part in parts if part not in ("", "none"))
    value = _converted(name, value, kind)
    if allowed:
        return _one_of(name, value, allowed)
    if isinstance(value, int | float) and not isinstance(value, bool):
        _check_range(name, value)
    return value


def _converted(name: str, value: Any, kind: Any) -> Any:
    kinds = list(get_args(kind)) if get_origin(kind) is UnionType else [kind]
    if NoneType in kinds and value in (None, "none", "off"):
        return None
    target = next(option for option in kinds if option is not NoneType)
    try:
        converted = target(value)
    except (TypeError, ValueError):
        converted = None
    if converted is None or isinstance(value, bool) or (target is int and float(value) != converted):
        raise OptionError(f"{name} takes {_KIND_NAMES[target]}, given {value!r}")
    return converted


_KIND_NAMES = {int: "a whole number", float: "a number", str: "a name"}


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise OptionError(f"{name} {value!r} is not known", hint=nearest(str(value), allowed))
    return value


_AT_MOST = {
    "momentum": 0.9999,
    "warmup_fraction": 0.9,
    "label_smoothing": 0.9,
    "average": 0.99999,
    "probe_part": 0.5,
    "batchnorm_momentum": 1.0,
    "class_balance": 1.0,
}
_MAY_BE_ZERO = {"momentum", "weight_decay", "warmup_fraction", "label_smoothing", "probe_part", "class_balance"}


def _check_range(name: str, value: float) -> None:
    too_small = value < 0 or (value == 0 and name not in _MAY_BE_ZERO)
    most = _AT_MOST.get(name, float("inf"))
    if too_small or value > most or math.isnan(value):
        least = "0" if name in _MAY_BE_ZERO else "more than 0"
        until = f" and at most {most:g}" if most < float("inf") else ""
        raise OptionError(f"{name} must be {least}{' or more' if least == '0' else ''}{until}, given {value:g}")
