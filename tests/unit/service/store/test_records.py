import datetime as dt

import pytest

from naiad.service.domain.errors import Invalid
from naiad.service.domain.job import Job, JobKind, Need, Transition
from naiad.service.domain.status import Phase
from naiad.service.store.records import job_of, micros, moment, row_of

AT = dt.datetime(2026, 3, 4, 5, 6, 7, 890123, tzinfo=dt.UTC)
JOB = Job(
    JobKind.PROCESSING,
    "a",
    "us-east-1",
    {"ProcessingJobName": "a", "n": [1, 2.5, None, {"ü": True}]},
    Need(2, 4, 8 << 30, 1),
    AT,
    AT,
    phase=Phase.TRAINING,
    started_at=AT,
    transitions=(Transition(Phase.STARTING, AT, AT, "placed"), Transition(Phase.TRAINING, AT, None, "")),
)


def test_a_job_goes_into_a_row_and_back():
    assert job_of(row_of(JOB)) == JOB


def test_a_row_is_plain_ascii_text_and_numbers():
    row = row_of(JOB)
    assert {type(value) for value in row.values()} == {str, int, type(None)}
    assert all(value.isascii() for value in row.values() if isinstance(value, str))
    assert (row["status"], row["arn"]) == ("InProgress", JOB.arn)


@pytest.mark.parametrize(
    "time",
    [
        AT,
        dt.datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=dt.UTC),
        dt.datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=dt.UTC),
        dt.datetime.max.replace(tzinfo=dt.UTC),
    ],
)
def test_times_are_exact(time):
    assert moment(micros(time)) == time
    assert moment(micros(time)).tzinfo is dt.UTC


def test_a_time_without_a_zone_is_our_mistake():
    with pytest.raises(TypeError, match="offset-naive"):
        micros(AT.replace(tzinfo=None))


def test_what_is_no_json_is_refused():
    with pytest.raises(Invalid, match="processing-job a cannot be stored as JSON"):
        row_of(Job(JobKind.PROCESSING, "a", "us-east-1", {"x": {1, 2}}, Need(1, 1, 1), AT, AT))
