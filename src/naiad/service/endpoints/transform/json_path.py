"""JSONPath, as far as DataProcessing's filters need it: ``$``, names, indices, slices, and lists of them.

$   $.features   $['a','b']   $[0]   $[-1]   $[1:]   $[0,2]   and one after the other: $.rows[0]
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from naiad.errors import OptionError

_NAME = r"[A-Za-z_][A-Za-z0-9_-]*"
_STEP = re.compile(
    rf"\.(?P<name>{_NAME})"
    r"|\.?\[(?P<names>\s*'[^']*'\s*(?:,\s*'[^']*'\s*)*)\]"
    r"|\[(?P<indices>\s*-?\d{1,9}\s*(?:,\s*-?\d{1,9}\s*)*)\]"
    r"|\[(?P<start>-?\d{0,9})\s*:\s*(?P<end>-?\d{0,9})\]"
)
Selector = Callable[[Any], Any]


@dataclass(frozen=True)
class JsonPath:
    text: str
    selectors: tuple[Selector, ...]
    """Empty for ``$``, which is the whole record."""

    def select(self, record: Any) -> Any:
        """Raises OptionError when the record has no such value."""
        value = record
        for selector in self.selectors:
            try:
                value = selector(value)
            except (KeyError, IndexError, TypeError) as error:
                raise OptionError(f"the filter {self.text!r} finds no value in the record: {error!r}") from error
        return value


def parse_json_path(text: str) -> JsonPath:
    """Raises OptionError for a path that is not supported."""
    if not text.startswith("$"):
        raise OptionError(f"the filter is {text!r}; it must begin with $")
    selectors, start = [], 1
    while start < len(text):
        match = _STEP.match(text, start)
        if match is None:
            rest = text[start : start + 20]
            raise OptionError(
                f"the filter {text!r} cannot be read from {rest!r} on: names, indices and slices are supported"
            )
        selectors.append(_make_selector(match))
        start = match.end()
    return JsonPath(text, tuple(selectors))


def _make_selector(match: "re.Match[str]") -> Selector:
    if match["name"]:
        return _select_names((match["name"],))
    if match["names"]:
        return _select_names(re.findall(r"'([^']*)'", match["names"]))
    if match["indices"]:
        return _select_indices([int(word) for word in match["indices"].split(",")])
    start, end = (int(word) if word else None for word in (match["start"], match["end"]))
    return lambda record: _as_list(record)[start:end]


def _select_names(names: Sequence[str]) -> Selector:
    """One name gives its value; several give an object with them."""
    if len(names) == 1:
        return lambda record: _as_object(record)[names[0]]
    return lambda record: {name: _as_object(record)[name] for name in names}


def _select_indices(indices: Sequence[int]) -> Selector:
    """One index gives its value; several give a list."""
    if len(indices) == 1:
        return lambda record: _as_list(record)[indices[0]]
    return lambda record: [_as_list(record)[index] for index in indices]


def _as_object(record: Any) -> dict[str, Any]:
    if not isinstance(record, dict):
        raise TypeError(f"{type(record).__name__} has no names")
    return record


def _as_list(record: Any) -> list[Any]:
    if not isinstance(record, list):
        raise TypeError(f"{type(record).__name__} has no indices")
    return record
