"""Points of metrics in a file."""

import datetime as dt
from pathlib import Path

import pytest

from naiad.service.domain.errors import LimitExceeded
from naiad.service.metric_points import MetricPoint, append_points, read_points

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def test_points_are_read_as_they_were_put(tmp_path: Path) -> None:
    points = [MetricPoint("loss", 0.5, START, 3), MetricPoint("accuracy", 1.0, START + dt.timedelta(seconds=1))]
    file = tmp_path / "points.jsonl"
    assert list(read_points(file)) == []
    for point in points:
        append_points(file, [point], owner="a job")
    assert list(read_points(file)) == points


def test_half_a_line_is_skipped(tmp_path: Path) -> None:
    file, point = tmp_path / "points.jsonl", MetricPoint("loss", 0.5, START)
    append_points(file, [point], owner="a job")
    file.write_bytes(file.read_bytes() + b'{"name": "loss", "va')
    assert list(read_points(file)) == [point]


def test_a_full_file_takes_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("naiad.service.metric_points._MAX_BYTES", 100)
    file, points = tmp_path / "points.jsonl", [MetricPoint("a", 1.0, START)] * 10
    append_points(file, points, owner="a job")
    with pytest.raises(LimitExceeded, match="a job may take 0 MiB; send fewer"):
        append_points(file, points, owner="a job")
