"""Metrics of trial components: points in a file, and their summaries."""

import datetime as dt
import math
from pathlib import Path

import pytest

from naiad.service.experiments.component_metrics import component_file, metric_summaries, put_points, remove_points
from naiad.service.metric_points import MetricPoint, read_points

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def point(value: float, seconds: int = 0, name: str = "loss") -> MetricPoint:
    return MetricPoint(name, value, START + dt.timedelta(seconds=seconds), seconds)


def test_each_component_has_points_of_its_own(tmp_path: Path):
    put_points(tmp_path, "run", [point(0.5)])
    put_points(tmp_path, "run", [point(0.25, 1)])
    assert list(read_points(component_file(tmp_path, "run"))) == [point(0.5), point(0.25, 1)]
    assert list(read_points(component_file(tmp_path, "other"))) == []
    remove_points(tmp_path, "run")
    remove_points(tmp_path, "run")
    assert list(read_points(component_file(tmp_path, "run"))) == []


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
