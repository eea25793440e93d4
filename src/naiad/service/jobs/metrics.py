"""Numbers that programs report: written by the agents as they read the logs, and by BatchPutMetrics; read for charts.

A file is lines of {"name", "value", "time"}, time in seconds since 1970. A torn last line, which a killed writer leaves, is
passed over.
"""

import datetime as dt
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from naiad.service.domain.errors import DoesNotFit
from naiad.service.executors.files import read_report
from naiad.service.executors.port import Instance

FILE = "metrics.jsonl"
_PUT_FILE = "put-metrics.jsonl"
_MAX_PUT_BYTES = 64 * 1024 * 1024
_TAIL_BYTES = 256 * 1024


@dataclass(frozen=True)
class Point:
    name: str
    value: float
    time: dt.datetime


def final_points(instances: Sequence[Instance]) -> tuple[Point, ...]:
    """The last value of each name, by name.

    While a program runs they are those at the ends of the files: a name that ceased long before comes with the agent's report.
    """
    last: dict[str, Point] = {}
    tails = (point for file in metric_files(instances) for point in _points(_tail_lines(file)))
    for point in (*_reported(instances), *tails):
        if point.name not in last or last[point.name].time <= point.time:
            last[point.name] = point
    return tuple(last[name] for name in sorted(last))


def read_points(files: Iterable[Path]) -> Iterator[Point]:
    """All points of the files, one at a time."""
    for file in files:
        if file.is_file():
            with file.open("rb") as lines:
                yield from _points(lines)


def metric_files(instances: Sequence[Instance]) -> list[Path]:
    """Those of the instances, and the one that BatchPutMetrics fills for the whole job."""
    put = [put_file(instances[0].folder.parent.parent)] if instances else []
    return [instance.folder / FILE for instance in instances] + put


def put_file(job_folder: Path) -> Path:
    return job_folder / _PUT_FILE


def append_points(file: Path, points: Sequence[Point]) -> None:
    """Raises DoesNotFit when the file has grown to its limit, FileNotFoundError when the job was never placed."""
    if file.exists() and file.stat().st_size > _MAX_PUT_BYTES:
        raise DoesNotFit(f"a job's own metrics may take {_MAX_PUT_BYTES // 1024**2} MiB; send fewer")
    text = "".join(
        f"{json.dumps({'name': point.name, 'value': point.value, 'time': point.time.timestamp()})}\n"
        for point in points
    )
    with file.open("ab") as opened:
        opened.write(text.encode())


def _reported(instances: Sequence[Instance]) -> Iterator[Point]:
    for instance in instances:
        report = read_report(instance.folder, alive=False)
        for name, read in report.metrics.items() if report else ():
            match read:
                case [value, time]:
                    yield Point(name, value, dt.datetime.fromtimestamp(time, dt.UTC))


def _tail_lines(file: Path) -> list[bytes]:
    if not file.is_file():
        return []
    with file.open("rb") as opened:
        size = opened.seek(0, 2)
        opened.seek(max(0, size - _TAIL_BYTES))
        return opened.read().splitlines()


def _points(lines: Iterable[bytes]) -> Iterator[Point]:
    for line in lines:
        try:
            read = json.loads(line)
        except ValueError:
            continue
        if (point := _point(read)) is not None:
            yield point


def _point(read: Any) -> Point | None:
    match read:
        case {"name": str(name), "value": float() | int() as value, "time": float() | int() as time} if math.isfinite(
            time
        ):
            return Point(name, float(value), dt.datetime.fromtimestamp(time, dt.UTC))
        case _:
            return None
