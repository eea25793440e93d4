"""Reads the options of ``fit`` from text, for the command line and for jobs. Loads no torch."""

import re
from collections.abc import Iterable
from pathlib import Path

from naiad.errors import OptionError

_AUTO = "auto"
_UNITS_S = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def parse_net(text: str | None) -> str | None:
    """Returns None, for a network that ``fit`` chooses, where the text is ``auto`` or left out."""
    return None if text == _AUTO else text


def parse_duration_s(text: str | None) -> float | None:
    """Reads ``60s``, ``5m``, ``1.5h``, ``2d`` or plain seconds. Raises OptionError."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd]?)", text.strip().lower())
    seconds = float(match[1]) * _UNITS_S[match[2]] if match else 0.0
    if seconds <= 0:
        raise OptionError(f"{text!r} is not a duration", hint="write it as 60s, 5m or 1h")
    return seconds


def parse_image_size(text: str | None) -> int | tuple[int, int] | None:
    """Reads ``32`` or ``32x48`` (height by width). Raises OptionError."""
    if text is None:
        return None
    match = re.fullmatch(r"([1-9]\d*)(?:x([1-9]\d*))?", text.strip().lower())
    if match is None:
        raise OptionError(f"{text!r} is not an image size", hint="write it as 32, or as 32x48 for height by width")
    return (int(match[1]), int(match[2])) if match[2] else int(match[1])


def parse_whole_numbers(text: object, *, name: str) -> tuple[int, ...]:
    """Reads ``1,3,9``, a list, or one number, each above 0, in rising order; none from None. Raises OptionError."""
    parts = text if isinstance(text, list | tuple) else [part for part in str(text or "").split(",") if part.strip()]
    try:
        numbers = tuple(int(str(part)) for part in parts)
    except ValueError:
        numbers = (0,)
    if any(number < 1 for number in numbers):
        raise OptionError(f"{name} takes whole numbers above 0, given {text!r}", hint="write it as 1,3,9")
    return tuple(sorted(set(numbers)))


def parse_assignments(pairs: Iterable[str]) -> dict[str, str]:
    """Splits each ``name=value`` at its first equals sign. Raises OptionError; the names are checked by the plan."""
    values: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name.strip() and equals):
            raise OptionError(f"--set takes name=value, given {pair!r}", hint="for example --set learning_rate=0.05")
        _add(values, name.strip(), value.strip(), option="--set")
    return values


def parse_types(pairs: Iterable[str]) -> dict[str, str] | None:
    """Splits each ``column=type`` at its last equals sign; None where there are none. Raises OptionError."""
    types: dict[str, str] = {}
    for pair in pairs:
        column, equals, kind = pair.rpartition("=")
        if not (column and equals and kind.strip()):
            raise OptionError(f"--type takes column=type, given {pair!r}", hint="for example --type zip=text")
        _add(types, column, kind.strip(), option="--type")
    return types or None


def _add(values: dict[str, str], name: str, value: str, *, option: str) -> None:
    """Raises OptionError for a name that is given before with another value."""
    if values.setdefault(name, value) != value:
        raise OptionError(
            f"{option} {name} is given twice: {values[name]} and {value}", hint="leave one of the two out"
        )


def parse_plan(file: str | Path | None, pairs: Iterable[str]) -> Path | dict[str, str]:
    """Returns the plan file to follow, or the single choices to keep. Raises OptionError where both are given."""
    choices = parse_assignments(pairs)
    if file is None:
        return choices
    if choices:
        raise OptionError(
            f"--plan is followed as it stands; --set {next(iter(choices))} would change it",
            hint="leave one of the two out",
        )
    return Path(file)
