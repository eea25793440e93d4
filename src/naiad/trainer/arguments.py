"""How ``fit``'s arguments are written as text: for the command line and for jobs. Loads no torch."""

import re
from collections.abc import Iterable
from pathlib import Path

from naiad.errors import OptionError

_UNITS_S = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def duration_s(text: str | None) -> float | None:
    """``60s``, ``5m``, ``1.5h`` or plain seconds. Raises OptionError."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip().lower())
    seconds = float(match[1]) * _UNITS_S[match[2]] if match else 0.0
    if seconds <= 0:
        raise OptionError(f"{text!r} is not a duration", hint="write it as 60s, 5m or 1h")
    return seconds


def image_size(text: str | None) -> int | tuple[int, int] | None:
    """``32`` or ``32x48`` (height by width). Raises OptionError."""
    if text is None:
        return None
    match = re.fullmatch(r"([1-9]\d*)(?:x([1-9]\d*))?", text.strip().lower())
    if match is None:
        raise OptionError(f"{text!r} is not an image size", hint="write it as 32, or as 32x48 for height by width")
    return (int(match[1]), int(match[2])) if match[2] else int(match[1])


def assignments(pairs: Iterable[str]) -> dict[str, str]:
    """``name=value`` each. Raises OptionError; whether a plan has such a choice is for the plan to say."""
    values: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name.strip() and equals):
            raise OptionError(f"--set takes name=value, given {pair!r}", hint="for example --set learning_rate=0.05")
        values[name.strip()] = value.strip()
    return values


def plan_given(file: str | Path | None, pairs: Iterable[str]) -> Path | dict[str, str]:
    """The plan to follow, or single choices to keep. Raises OptionError for both."""
    choices = assignments(pairs)
    if file is None:
        return choices
    if choices:
        raise OptionError(
            f"--plan is followed as it stands; --set {next(iter(choices))} would change it",
            hint="leave one of the two out",
        )
    return Path(file)
