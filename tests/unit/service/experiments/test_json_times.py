"""Times of trial components in JSON."""

import datetime as dt

from naiad.service.experiments.json_times import from_stored, to_stored

TIME = dt.datetime(2026, 1, 1, 12, 30, tzinfo=dt.UTC)


def test_times_come_back_at_every_depth():
    values = {
        "StartTime": TIME,
        "Metrics": [{"TimeStamp": TIME, "Max": 1.0}],
        "Parameters": {"EndTime": {"StringValue": "x"}},
    }
    stored = to_stored(values)
    assert stored["StartTime"] == "2026-01-01T12:30:00+00:00"
    assert from_stored(stored) == values
