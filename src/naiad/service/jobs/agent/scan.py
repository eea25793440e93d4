"""Metrics in the lines of a log, by the regular expressions of MetricDefinitions."""

import json
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from naiad.service.jobs.metrics import FILE

_LONGEST_LINE = 4_096
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
    """The first group's number, or the first number of the match. Regular expressions see at most 4,096 characters a line."""

    def __init__(self, definitions: Sequence[Mapping[str, Any]], folder: Path) -> None:
        self._known = [(each["Name"], re.compile(each["Regex"])) for each in definitions]
        self._file: IO[str] | None = (folder / FILE).open("a", encoding="utf-8", buffering=1) if self._known else None
        self.last: dict[str, float] = {}

    def line(self, text: str) -> None:
        for name, regex in self._known:
            match = regex.search(text[:_LONGEST_LINE])
            number = _NUMBER.search(match[1] if match.lastindex else match[0]) if match else None
            if number and self._file is not None:
                self.last[name] = float(number[0])
                self._file.write(json.dumps({"name": name, "value": self.last[name], "time": time.time()}) + "\n")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
