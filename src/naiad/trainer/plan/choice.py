"""The description of one choice of a plan: its values, its range, who may make it, and what it means.

Each field of ``Plan`` carries a ``Choice`` in its annotation. Everything else that is said about a choice is derived from it.
"""

import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from types import MappingProxyType, NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin, get_type_hints

from naiad.errors import OptionError, describe_value, did_you_mean

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_TYPE_WORDS = {int: "a whole number", float: "a number", str: "a name", tuple: "names, separated by commas"}
_NONE_WORDS = ("none", "off")


@dataclass(frozen=True)
class Range:
    """The numbers from ``least`` to ``most``."""

    least: float = 0.0
    most: float = math.inf
    is_open: bool = False
    """``least`` itself is outside."""

    def contains(self, value: float) -> bool:
        """Whether the number is in the range; NaN and infinity are not."""
        is_too_small = value <= self.least if self.is_open else value < self.least
        return not (is_too_small or value > self.most or not math.isfinite(value))

    def __str__(self) -> str:
        least = f"more than {self.least:g}" if self.is_open else f"{self.least:g} or more"
        return least + (f" and at most {self.most:g}" if self.most < math.inf else "")


POSITIVE = Range(is_open=True)
NON_NEGATIVE = Range()


@dataclass(frozen=True)
class Choice:
    help: str
    """One sentence for the user; a value that is not allowed is refused with it."""
    names: tuple[str, ...] = ()
    """The names that are allowed; empty where any value of the type is."""
    range: Range = POSITIVE
    """The numbers that are allowed."""
    is_settable: bool = True
    """The user may set it. False where it follows from other choices, from an argument or from the run."""
    is_measured: bool = False
    """It is measured in a long run, unless the user sets it or leaves it to the rule."""
    follows_length: bool = False
    """Its rule says something else in a much longer or shorter run."""
    name: str = ""
    """The name of the field; filled in by ``choices_of``, as are the next ones."""
    value_type: type = object
    item_type: type = object
    """The type of the items of a tuple."""
    is_optional: bool = False
    """None is a value: the choice is off."""
    has_default: bool = False
    """Plans of the first version do not have it, and mean the field's default."""

    def parse(self, value: Any) -> Any:
        """The user's value as a plan holds it; text from a command line is read. Raises OptionError."""
        if self.is_optional and (value is None or (isinstance(value, str) and value in _NONE_WORDS)):
            return None
        if self.value_type is tuple:
            return tuple(self._parse_item(part) for part in self._parts(value) if not _is_empty(part))
        converted = self._convert(value)
        if self.names:
            return self._check_name(converted)
        if isinstance(converted, int | float) and not self.range.contains(converted):
            raise OptionError(f"{self.name} must be {self.range}, given {converted:g}", hint=self._hint())
        return converted

    def to_plain(self, value: Any) -> Any:
        """The value as JSON has it: tuples as lists, records as objects."""
        if self.value_type is not tuple:
            return value
        return [dict(vars(item)) if is_dataclass(item) else item for item in value]

    def from_plain(self, value: Any) -> Any:
        """The value that ``to_plain`` was given."""
        if self.value_type is not tuple:
            return value
        return tuple(self.item_type(**item) if is_dataclass(self.item_type) else item for item in value)

    def _parse_item(self, part: Any) -> Any:
        if self.names:
            return self._check_name(part)
        return replace(self, value_type=self.item_type, is_optional=False).parse(part)

    def _convert(self, value: Any) -> Any:
        if self.value_type is str and not isinstance(value, str):
            raise self._wrong_type(value)
        try:
            converted = self.value_type(value)
            is_exact = not isinstance(value, bool) and (self.value_type is not int or float(value) == converted)
        except (TypeError, ValueError, ArithmeticError, AttributeError, RuntimeError):
            is_exact = False
        if not is_exact:
            raise self._wrong_type(value)
        return converted

    def _parts(self, value: Any) -> tuple[Any, ...]:
        try:
            return tuple(value.split(",") if isinstance(value, str) else value)
        except (TypeError, RuntimeError):
            raise self._wrong_type(value) from None

    def _wrong_type(self, value: Any) -> OptionError:
        is_numbers = self.value_type is tuple and not self.names
        words = "whole numbers, separated by commas" if is_numbers else _TYPE_WORDS[self.value_type]
        return OptionError(f"{self.name} takes {words}, given {describe_value(value)}", hint=self._hint())

    def _hint(self) -> str:
        return f"{self.name}: {self.help.rstrip('.')}"

    def _check_name(self, value: Any) -> Any:
        if not isinstance(value, str) or value not in self.names:
            text = value if isinstance(value, str) else describe_value(value)
            raise OptionError(f"{self.name} {describe_value(value)} is not known", hint=did_you_mean(text, self.names))
        return value


def _is_empty(part: object) -> bool:
    return isinstance(part, str) and part in ("", "none")


def choices_of(record: "type[DataclassInstance]") -> Mapping[str, Choice]:
    """The choices that a dataclass describes in the annotations of its fields, by name, in their order."""
    hints, choices = get_type_hints(record, include_extras=True), {}
    for field in fields(record):
        if get_origin(hints[field.name]) is Annotated:
            annotated, choice = get_args(hints[field.name])
            options = get_args(annotated) if get_origin(annotated) is UnionType else (annotated,)
            declared = next(option for option in options if option is not NoneType)
            choices[field.name] = replace(
                choice,
                name=field.name,
                value_type=get_origin(declared) or declared,
                item_type=next(iter(get_args(declared)), object),
                is_optional=NoneType in options,
                has_default=field.default is not MISSING,
            )
    return MappingProxyType(choices)
