"""The part of JSONPath that DataProcessing's filters are written in: ``$``, names, indices, slices, and lists of them.

$   $.features   $['a','b']   $[0]   $[-1]   $[1:]   $[0,2]   and one behind the other: $.rows[0]
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
Select = Callable[[Any], Any]


@dataclass(frozen=True)
class Path:
    text: str
    steps: tuple[Select, ...]

    def of(self, record: Any) -> Any:
        """Raises OptionError where the record has no such part."""
        found = record
        for step in self.steps:
            try:
                found = step(found)
            except (KeyError, IndexError, TypeError) as error:
                raise OptionError(f"the filter {self.text!r} finds nothing in the record: {error!r}") from error
        return found


def parse_path(text: str) -> Path:
    """Raises OptionError for what is not served."""
    if not text.startswith("$"):
        raise OptionError(f"the filter is {text!r}; it must begin with $")
    steps, at = [], 1
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None:
            raise OptionError(
                f"the filter {text!r} cannot be read from {text[at : at + 20]!r} on: names, indices and slices are served"
            )
        steps.append(_select(match))
        at = match.end()
    return Path(text, tuple(steps))


def _select(match: "re.Match[str]") -> Select:
    if match["name"]:
        return _named((match["name"],))
    if match["names"]:
        return _named(re.findall(r"'([^']*)'", match["names"]))
    if match["indices"]:
        return _indexed([int(word) for word in match["indices"].split(",")])
    start, end = (int(word) if word else None for word in (match["start"], match["end"]))
    return lambda record: _list(record)[start:end]


def _named(names: Sequence[str]) -> Select:
    """One gives its value; several give an object with them."""
    if len(names) == 1:
        return lambda record: _object(record)[names[0]]
    return lambda record: {name: _object(record)[name] for name in names}


def _indexed(indices: Sequence[int]) -> Select:
    """One gives its value; several give a list."""
    if len(indices) == 1:
        return lambda record: _list(record)[indices[0]]
    return lambda record: [_list(record)[index] for index in indices]


def _object(record: Any) -> dict[str, Any]:
    if not isinstance(record, dict):
        raise TypeError(f"{type(record).__name__} has no names")
    return record


def _list(record: Any) -> list[Any]:
    if not isinstance(record, list):
        raise TypeError(f"{type(record).__name__} has no indices")
    return record
