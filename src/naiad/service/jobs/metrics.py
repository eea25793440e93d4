"""The metrics of a job: written by its agents, as they read the logs, and by BatchPutMetrics; read for charts."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from naiad.service.executors.instance_files import read_report
from naiad.service.executors.port import Instance
from naiad.service.metric_points import MetricPoint, parse_points, read_points

METRICS_FILE = "metrics.jsonl"
_PUT_METRICS_FILE = "put-metrics.jsonl"
_TAIL_BYTES = 256 * 1024


def final_metrics(instances: Sequence[Instance]) -> tuple[MetricPoint, ...]:
    """Returns the last value of each metric, sorted by name.

    Reads only the ends of the files. A metric that stopped long before the end of the program comes from the agent's report.
    """
    last: dict[str, MetricPoint] = {}
    tails = (point for file in metric_files(instances) for point in parse_points(_tail_lines(file)))
    for point in (*_reported_metrics(instances), *tails):
        if point.name not in last or last[point.name].time <= point.time:
            last[point.name] = point
    return tuple(last[name] for name in sorted(last))


def read_metrics(files: Iterable[Path]) -> Iterator[MetricPoint]:
    """Yields all points of the files."""
    for file in files:
        yield from read_points(file)


def metric_files(instances: Sequence[Instance]) -> list[Path]:
    """Returns the files of the instances, and the one that BatchPutMetrics fills for the whole job."""
    put_files = [put_metrics_file(instances[0].folder.parent.parent)] if instances else []
    return [instance.folder / METRICS_FILE for instance in instances] + put_files


def put_metrics_file(job_folder: Path) -> Path:
    return job_folder / _PUT_METRICS_FILE


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
