"""The metrics of a trial component: its file of points in the state folder, and the summary of each metric."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from naiad.service.metric_points import MetricPoint, append_points

_FOLDER = "trial-components"


def put_points(state_folder: Path, component: str, points: Sequence[MetricPoint]) -> None:
    """Raises LimitExceeded when the file is full."""
    file = component_file(state_folder, component)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    append_points(file, points, owner="a trial component")


def component_file(state_folder: Path, component: str) -> Path:
    return state_folder / _FOLDER / f"{component}.jsonl"


def remove_points(state_folder: Path, component: str) -> None:
    component_file(state_folder, component).unlink(missing_ok=True)


def metric_summaries(points: Iterable[MetricPoint], source_arn: str) -> list[dict[str, Any]]:
    """Returns TrialComponentMetricSummary in AWS's shape for each name, sorted."""
    by_name: dict[str, list[MetricPoint]] = {}
    for point in points:
        if math.isfinite(point.value):
            by_name.setdefault(point.name, []).append(point)
    return [_summary(name, by_name[name], source_arn) for name in sorted(by_name)]


def _summary(name: str, points: list[MetricPoint], source_arn: str) -> dict[str, Any]:
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
