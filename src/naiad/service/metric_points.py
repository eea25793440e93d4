"""Points of metrics in files: a job's, as its agents read them in logs, and those that clients put.

A file has lines of {"name", "value", "time"}, the time in seconds since 1970, with a "step" where the client gave one. An
incomplete last line, which a killed writer leaves, is skipped.
"""

import datetime as dt
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from naiad.service.domain.errors import LimitExceeded

_MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class MetricPoint:
    name: str
    value: float
    time: dt.datetime
    step: int | None = None


def read_points(file: Path) -> Iterator[MetricPoint]:
    """Yields nothing where there is no file."""
    if file.is_file():
        with file.open("rb") as lines:
            yield from parse_points(lines)


def parse_points(lines: Iterable[bytes]) -> Iterator[MetricPoint]:
    """Skips lines that hold no point."""
    for line in lines:
        try:
            values = json.loads(line)
        except ValueError:
            continue
        if (point := _point(values)) is not None:
            yield point


def append_points(file: Path, points: Sequence[MetricPoint], *, owner: str) -> None:
    """Raises LimitExceeded when the file of ``owner``, as in "a job", is full; FileNotFoundError without its folder."""
    if file.exists() and file.stat().st_size > _MAX_BYTES:
        raise LimitExceeded(f"the metrics of {owner} may take {_MAX_BYTES // 1024**2} MiB; send fewer")
    with file.open("ab") as appended:
        appended.write("".join(f"{json.dumps(_row(point))}\n" for point in points).encode())


def _row(point: MetricPoint) -> dict[str, Any]:
    row = {"name": point.name, "value": point.value, "time": point.time.timestamp()}
    return row if point.step is None else {**row, "step": point.step}


def _point(values: Any) -> MetricPoint | None:
    match values:
        case {"name": str(name), "value": float() | int() as value, "time": float() | int() as time} if math.isfinite(
            time
        ):
            return MetricPoint(name, float(value), dt.datetime.fromtimestamp(time, dt.UTC), values.get("step"))
        case _:
            return None
