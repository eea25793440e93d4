"""The metrics of a trial component: a file of points in the state folder, and the summary of each metric.

A file has lines of {"name", "value", "time", "step"}, the time in seconds since 1970. An incomplete last line, which a killed
server leaves, is skipped.
"""

import datetime as dt
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from naiad.service.domain.errors import LimitExceeded

_FOLDER = "trial-components"
_MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class MetricPoint:
    name: str
    value: float
    time: dt.datetime
    step: int | None = None


def append_points(state_folder: Path, component: str, points: Sequence[MetricPoint]) -> None:
    """Raises LimitExceeded when the file is full."""
    file = _file(state_folder, component)
    if file.exists() and file.stat().st_size > _MAX_BYTES:
        raise LimitExceeded(f"a trial component's metrics may take {_MAX_BYTES // 1024**2} MiB; send fewer")
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    rows = ({"name": one.name, "value": one.value, "time": one.time.timestamp(), "step": one.step} for one in points)
    with file.open("ab") as appended:
        appended.write("".join(f"{json.dumps(row)}\n" for row in rows).encode())


def read_points(state_folder: Path, component: str) -> Iterator[MetricPoint]:
    file = _file(state_folder, component)
    if file.is_file():
        with file.open("rb") as lines:
            yield from _parse(lines)


def remove_points(state_folder: Path, component: str) -> None:
    _file(state_folder, component).unlink(missing_ok=True)


def metric_summaries(points: Iterable[Any], source_arn: str) -> list[dict[str, Any]]:
    """Returns TrialComponentMetricSummary in AWS's shape for each name, sorted. points: with name, value and time."""
    by_name: dict[str, list[Any]] = {}
    for point in points:
        if math.isfinite(point.value):
            by_name.setdefault(point.name, []).append(point)
    return [_summary(name, by_name[name], source_arn) for name in sorted(by_name)]


def _summary(name: str, points: list[Any], source_arn: str) -> dict[str, Any]:
    values = [point.value for point in points]
    last = max(enumerate(points), key=lambda pair: (pair[1].time, pair[0]))[1]
    mean = math.fsum(values) / len(values)
    variance = math.fsum((value - mean) ** 2 for value in values) / len(values)
    return {
        "MetricName": name,
        "SourceArn": source_arn,
        "TimeStamp": last.time,
        "Max": max(values),
        "Min": min(values),
        "Last": last.value,
        "Count": len(values),
        "Avg": mean,
        "StdDev": math.sqrt(variance),
    }


def _parse(lines: Iterable[bytes]) -> Iterator[MetricPoint]:
    for line in lines:
        try:
            values = json.loads(line)
        except ValueError:
            continue
        match values:
            case {"name": str(name), "value": float() | int() as value, "time": float() | int() as time, "step": step}:
                yield MetricPoint(name, float(value), dt.datetime.fromtimestamp(time, dt.UTC), step)


def _file(state_folder: Path, component: str) -> Path:
    return state_folder / _FOLDER / f"{component}.jsonl"
