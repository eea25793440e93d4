"""The metrics of a job: written by its agents, as they read the logs, and by BatchPutMetrics; read for charts.

A file has lines of {"name", "value", "time"}, the time in seconds since 1970. An incomplete last line, which a killed writer
leaves, is skipped.
"""

import datetime as dt
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from naiad.service.domain.errors import LimitExceeded
from naiad.service.executors.instance_files import read_report
from naiad.service.executors.port import Instance

METRICS_FILE = "metrics.jsonl"
_PUT_METRICS_FILE = "put-metrics.jsonl"
_MAX_PUT_BYTES = 64 * 1024 * 1024
_TAIL_BYTES = 256 * 1024


@dataclass(frozen=True)
class MetricPoint:
    name: str
    value: float
    time: dt.datetime


def final_metrics(instances: Sequence[Instance]) -> tuple[MetricPoint, ...]:
    """Returns the last value of each metric, sorted by name.

    Reads only the ends of the files. A metric that stopped long before the end of the program comes from the agent's report.
    """
    last: dict[str, MetricPoint] = {}
    tails = (point for file in metric_files(instances) for point in _parse(_tail_lines(file)))
    for point in (*_reported_metrics(instances), *tails):
        if point.name not in last or last[point.name].time <= point.time:
            last[point.name] = point
    return tuple(last[name] for name in sorted(last))


def read_metrics(files: Iterable[Path]) -> Iterator[MetricPoint]:
    """Yields all points of the files."""
    for file in files:
        if file.is_file():
            with file.open("rb") as lines:
                yield from _parse(lines)


def metric_files(instances: Sequence[Instance]) -> list[Path]:
    """Returns the files of the instances, and the one that BatchPutMetrics fills for the whole job."""
    put_files = [put_metrics_file(instances[0].folder.parent.parent)] if instances else []
    return [instance.folder / METRICS_FILE for instance in instances] + put_files


def put_metrics_file(job_folder: Path) -> Path:
    return job_folder / _PUT_METRICS_FILE


def append_metrics(file: Path, points: Sequence[MetricPoint]) -> None:
    """Raises LimitExceeded when the file is full, FileNotFoundError when the job was never placed."""
    if file.exists() and file.stat().st_size > _MAX_PUT_BYTES:
        raise LimitExceeded(f"a job's own metrics may take {_MAX_PUT_BYTES // 1024**2} MiB; send fewer")
    text = "".join(
        f"{json.dumps({'name': point.name, 'value': point.value, 'time': point.time.timestamp()})}\n"
        for point in points
    )
    with file.open("ab") as appended:
        appended.write(text.encode())


def _reported_metrics(instances: Sequence[Instance]) -> Iterator[MetricPoint]:
    for instance in instances:
        report = read_report(instance.folder, alive=False)
        for name, values in report.metrics.items() if report else ():
            match values:
                case [value, time]:
                    yield MetricPoint(name, value, dt.datetime.fromtimestamp(time, dt.UTC))


def _tail_lines(file: Path) -> list[bytes]:
    if not file.is_file():
        return []
    with file.open("rb") as tail:
        size = tail.seek(0, 2)
        tail.seek(max(0, size - _TAIL_BYTES))
        return tail.read().splitlines()


def _parse(lines: Iterable[bytes]) -> Iterator[MetricPoint]:
    for line in lines:
        try:
            values = json.loads(line)
        except ValueError:
            continue
        if (point := _metric_point(values)) is not None:
            yield point


def _metric_point(values: Any) -> MetricPoint | None:
    match values:
        case {"name": str(name), "value": float() | int() as value, "time": float() | int() as time} if math.isfinite(
            time
        ):
            return MetricPoint(name, float(value), dt.datetime.fromtimestamp(time, dt.UTC))
        case _:
            return None
