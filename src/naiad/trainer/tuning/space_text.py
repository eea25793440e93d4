"""Reads the dimensions of a space as people write them: ``log:1e-4:1``, ``int:16:256``, ``relu,gelu``, lists, mappings."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from naiad.errors import OptionError, describe_value
from naiad.trainer.tuning.dimension import Condition, Dimension, Kind, Scale

_KINDS: dict[str, tuple[Kind, Scale]] = {
    "linear": (Kind.CONTINUOUS, Scale.LINEAR),
    "log": (Kind.CONTINUOUS, Scale.LOG),
    "reverse_log": (Kind.CONTINUOUS, Scale.REVERSE_LOG),
    "int": (Kind.INTEGER, Scale.LINEAR),
    "logint": (Kind.INTEGER, Scale.LOG),
}
_EXAMPLE = "for example lr=log:1e-4:1, dropout=0:0.5, activation=relu,gelu, or momentum=0.8:0.99 if optimizer=sgd"


def parse_dimension(name: str, written: Any) -> Dimension:
    """Reads one dimension: text, a list of values, a mapping as in a study's file, or a Dimension. Raises OptionError."""
    if not isinstance(name, str):
        raise OptionError(f"the name of a dimension is a text, given {describe_value(name)}", hint=_EXAMPLE)
    match written:
        case Dimension():
            return replace(written, name=name)
        case str():
            return _parse_text(name, written)
        case Mapping():
            return Dimension.from_json({**written, "name": name})
        case list() | tuple():
            return _from_values(name, written)
        case set() | frozenset():
            return _from_values(name, sorted(written, key=_name_of))  # a set has another order in each process
        case bool() | int() | float():
            return _from_values(name, [written])
    raise OptionError(f"{name} takes a range or values, given {describe_value(written)}", hint=_EXAMPLE)


def parse_space_pairs(pairs: Iterable[str]) -> dict[str, str]:
    """Splits each ``name=dimension`` at its first equals sign. Raises OptionError, also for a name that is given twice."""
    space: dict[str, str] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not (name.strip() and equals and text.strip()):
            raise OptionError(f"--space takes name=range or name=values, given {pair!r}", hint=_EXAMPLE)
        if name.strip() in space:
            raise OptionError(f"--space {name.strip()} is given twice", hint="leave one of the two out")
        space[name.strip()] = text.strip()
    return space


def _parse_text(name: str, text: str) -> Dimension:
    body, _, condition = text.partition(" if ")
    when = _parse_condition(name, condition) if condition else None
    return replace(_parse_body(name, body.strip()), when=when)


def _parse_body(name: str, body: str) -> Dimension:
    if not body:
        raise OptionError(f"{name} has no values", hint=_EXAMPLE)
    words = [word.strip() for word in body.split(":")]
    if len(words) == 1:
        choices = tuple(word.strip() for word in body.split(","))
        if not all(choices):
            raise OptionError(f"{name} has an empty value in {body!r}", hint=_EXAMPLE)
        return Dimension(name, Kind.CATEGORICAL, choices=choices)
    if len(words) == 2:
        are_whole = all(re.fullmatch(r"[+-]?\d+", word) for word in words)
        words = ["int" if are_whole else "linear", *words]
    kind = words[0].replace("-", "_")
    if len(words) != 3 or kind not in _KINDS:
        raise OptionError(
            f"{name} {body!r} is no range: it is written as SCALE:LOW:HIGH",
            hint=f"scales: {', '.join(_KINDS)}; {_EXAMPLE}",
        )
    try:
        low, high = float(words[1]), float(words[2])
    except ValueError:
        raise OptionError(f"{name} {body!r} is no range: its ends are no numbers", hint=_EXAMPLE) from None
    return Dimension(name, _KINDS[kind][0], low, high, _KINDS[kind][1])


def _parse_condition(name: str, text: str) -> Condition:
    other, equals, values = text.partition("=")
    if not (other.strip() and equals and values.strip()):
        raise OptionError(f"the condition of {name} is written as: if optimizer=sgd,muon", hint=_EXAMPLE)
    return Condition(other.strip(), tuple(value.strip() for value in values.split(",")))


def _from_values(name: str, values: Sequence[Any]) -> Dimension:
    if len(values) == 2 and all(isinstance(value, float) for value in values):
        raise OptionError(
            f"{name} {list(values)} may be two values or a range",
            hint=f"write '{values[0]:g},{values[1]:g}' for the two values, 'linear:{values[0]:g}:{values[1]:g}' for the range",
        )
    names = [_name_of(value) for value in values]
    objects = {each: value for each, value in zip(names, values, strict=True) if not isinstance(value, str)}
    return Dimension(name, Kind.CATEGORICAL, choices=tuple(names), objects=objects)


def _name_of(value: Any) -> str:
    """Returns the text of a value in Python: ``64+32`` for ``(64, 32)``."""
    if isinstance(value, list | tuple):
        return "+".join(map(_name_of, value)) or "none"
    if isinstance(value, str):
        return value
    return "none" if value is None else getattr(value, "__name__", str(value))
