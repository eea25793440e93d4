"""Metrics of trial components: points in a file, and their summaries."""

import datetime as dt
import math
from pathlib import Path

import pytest

from naiad.service.domain.errors import LimitExceeded
from naiad.service.experiments import component_metrics
from naiad.service.experiments.component_metrics import (
    MetricPoint,
    append_points,
    metric_summaries,
    read_points,
    remove_points,
)

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def point(value: float, seconds: int = 0, name: str = "loss") -> MetricPoint:
    return MetricPoint(name, value, START + dt.timedelta(seconds=seconds), seconds)


def test_points_are_read_as_they_were_put(tmp_path: Path):
    points = [point(0.5), point(0.25, 1), point(1.0, name="accuracy")]
    append_points(tmp_path, "run", points[:1])
    append_points(tmp_path, "run", points[1:])
    assert list(read_points(tmp_path, "run")) == points
    assert list(read_points(tmp_path, "other")) == []
    remove_points(tmp_path, "run")
    remove_points(tmp_path, "run")
    assert list(read_points(tmp_path, "run")) == []


def test_half_a_line_is_skipped(tmp_path: Path):
    append_points(tmp_path, "run", [point(0.5)])
    file = next(tmp_path.rglob("*.jsonl"))
    file.write_bytes(file.read_bytes() + b'{"name": "loss", "va')
    assert list(read_points(tmp_path, "run")) == [point(0.5)]


def test_a_full_file_takes_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(component_metrics, "_MAX_BYTES", 10)
    append_points(tmp_path, "run", [point(0.5)])
    with pytest.raises(LimitExceeded, match="may take 0 MiB"):
        append_points(tmp_path, "run", [point(0.5)])


def test_the_last_value_is_the_latest_and_numbers_are_finite():
    late, early = point(3.0, 9), point(1.0, 2)
    (summary,) = metric_summaries([late, early, point(math.inf, 10), point(2.0, 9)], "arn")
    assert (summary["Last"], summary["Min"], summary["Max"], summary["Count"], summary["Avg"]) == (
        2.0,
        1.0,
        3.0,
        3,
        2.0,
    )
    assert summary["StdDev"] == pytest.approx(math.sqrt(2 / 3))
    assert [one["MetricName"] for one in metric_summaries([point(1), point(1, name="a")], "arn")] == ["a", "loss"]
