"""Finds metrics in the lines of a log, with the regular expressions of MetricDefinitions."""

import contextlib
import json
import math
import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from naiad.service.jobs.metrics import METRICS_FILE

_MAX_LINE_CHARS = 4_096
_MAX_SEARCH_S = 1.0
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
TRAINER_DEFINITIONS = (
    {"Name": "train:loss", "Regex": r"^epoch .*?train loss ([0-9.eE+-]+)"},
    *(
        {"Name": f"validation:{name}", "Regex": rf"^epoch .*?validation {name} ([0-9.eE+-]+)"}
        for name in ("loss", "accuracy", "f1_macro", "r2", "rmse", "mae")
    ),
)
"""Definitions for the output of Naiad's own trainer, used when the request has none."""


class MetricScanner:
    """Writes the values that it finds into the instance's metrics file, and keeps the last value of each name.

    A value is the number in the first group, or in the whole match when there is no group. A regular expression sees at most
    4,096 characters of a line. One that takes longer than a second for a line is not used any more, because it might never end.
    For the main thread only.
    """

    def __init__(
        self, definitions: Sequence[Mapping[str, Any]], folder: Path, log_message: Callable[[str], None]
    ) -> None:
        self._patterns = [(each["Name"], re.compile(each["Regex"])) for each in definitions]
        self._file: IO[str] | None = None
        if self._patterns:
            self._file = (folder / METRICS_FILE).open("a", encoding="utf-8", buffering=1)
        self._log_message = log_message
        self.last_values: dict[str, tuple[float, float]] = {}
        """(value, seconds since 1970) for each name."""

    def scan(self, line: str) -> None:
        for name, pattern in tuple(self._patterns):
            try:
                with _time_limit(_MAX_SEARCH_S):
                    match = pattern.search(line[:_MAX_LINE_CHARS])
            except _SearchTimeout:
                self._patterns.remove((name, pattern))
                self._log_message(
                    f"the Regex of the metric {name!r} takes too long for a line, and is not used any more"
                )
                continue
            value = _value(match)
            if value is not None and self._file is not None:
                now = time.time()
                self.last_values[name] = (value, now)
                self._file.write(json.dumps({"name": name, "value": value, "time": now}) + "\n")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def _value(match: re.Match[str] | None) -> float | None:
    """Returns the number of a match; None when there is none, or when it is too large for a float."""
    if match is None:
        return None
    text = match[1] if match.re.groups else match[0]
    number = _NUMBER.search(text or "")
    value = float(number[0]) if number else math.inf
    return value if math.isfinite(value) else None


class _SearchTimeout(Exception):  # reason: a signal in our own code, no error of the program
    pass


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raises _SearchTimeout when the time is over, also in the middle of a search: ``re`` handles signals on its way."""

    def interrupt(*_: object) -> None:
        raise _SearchTimeout

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
