"""Metrics in the lines of a log, by the regular expressions of MetricDefinitions."""

import contextlib
import json
import math
import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from naiad.service.jobs.metrics import FILE

_LONGEST_LINE = 4_096
_LONGEST_LOOK_S = 1.0
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
OF_TRAINER = (
    {"Name": "train:loss", "Regex": r"^epoch .*?train loss ([0-9.eE+-]+)"},
    *(
        {"Name": f"validation:{name}", "Regex": rf"^epoch .*?validation {name} ([0-9.eE+-]+)"}
        for name in ("loss", "accuracy", "f1_macro", "r2", "rmse", "mae")
    ),
)
"""What Naiad's own trainer writes, where the request has no definitions."""


class Scanner:
    """The first group's number, or the first number of the match. Regular expressions see at most 4,096 characters a line.

    One that takes longer than a second for a line may take for ever: it is left out from then on, and ``say`` is told. For the
    main thread.
    """

    def __init__(self, definitions: Sequence[Mapping[str, Any]], folder: Path, say: Callable[[str], None]) -> None:
        self._known = [(each["Name"], re.compile(each["Regex"])) for each in definitions]
        self._file: IO[str] | None = (folder / FILE).open("a", encoding="utf-8", buffering=1) if self._known else None
        self._say = say
        self.last: dict[str, tuple[float, float]] = {}
        """(value, seconds since 1970) of each name."""

    def line(self, text: str) -> None:
        for name, regex in tuple(self._known):
            try:
                with _at_most(_LONGEST_LOOK_S):
                    match = regex.search(text[:_LONGEST_LINE])
            except _TakesTooLong:
                self._known.remove((name, regex))
                self._say(f"the Regex of the metric {name!r} takes too long on a line, and is not used any more")
                continue
            value = _value_of(match)
            if value is not None and self._file is not None:
                now = time.time()
                self.last[name] = (value, now)
                self._file.write(json.dumps({"name": name, "value": value, "time": now}) + "\n")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def _value_of(match: re.Match[str] | None) -> float | None:
    """None also for a number too large for a float."""
    if match is None:
        return None
    text = match[1] if match.re.groups else match[0]
    number = _NUMBER.search(text or "")
    value = float(number[0]) if number else math.inf
    return value if math.isfinite(value) else None


class _TakesTooLong(Exception):  # reason: not an error of the program's
    pass


@contextlib.contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Raises _TakesTooLong in the middle of it: the matching of a regular expression looks for signals on its way."""

    def give_up(*_: object) -> None:
        raise _TakesTooLong

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
