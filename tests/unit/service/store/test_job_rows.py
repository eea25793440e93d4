import datetime as dt
from dataclasses import replace

import pytest

from naiad.service.domain.errors import Invalid
from naiad.service.domain.job import Job, JobKind, ResourceRequest, Transition
from naiad.service.domain.scope import Creator, parse_limit
from naiad.service.domain.status import Phase
from naiad.service.store.job_rows import job_from_row, job_to_row
from naiad.service.store.row_checksum import COLUMN as CHECKSUM

AT = dt.datetime(2026, 3, 4, 5, 6, 7, 890123, tzinfo=dt.UTC)
JOB = Job(
    JobKind.PROCESSING,
    "a",
    "us-east-1",
    {"ProcessingJobName": "a", "n": [1, 2.5, None, {"ü": True}]},
    ResourceRequest(2, 4, 8 << 30, 1),
    AT,
    AT,
    phase=Phase.TRAINING,
    started_at=AT,
    transitions=(Transition(Phase.STARTING, AT, AT, "placed"), Transition(Phase.TRAINING, AT, None, "")),
)


def test_a_job_becomes_a_row_and_a_job_again():
    assert job_from_row(job_to_row(JOB)) == JOB


def test_a_row_is_plain_ascii_text_and_numbers():
    row = job_to_row(JOB)
    assert {type(value) for value in row.values()} == {str, int, type(None)}
    assert all(value.isascii() for value in row.values() if isinstance(value, str))
    assert (row["status"], row["arn"]) == ("InProgress", JOB.arn)


def test_a_request_that_json_cannot_hold_is_refused():
    with pytest.raises(Invalid, match="processing-job a cannot be stored as JSON"):
        job_to_row(Job(JobKind.PROCESSING, "a", "us-east-1", {"x": {1, 2}}, ResourceRequest(1, 1, 1), AT, AT))


def test_the_creator_is_kept_and_a_row_of_an_earlier_version_has_none():
    job = replace(JOB, creator=Creator("AKIA", (parse_limit("s3://data/team"),)))
    assert job_from_row(job_to_row(job)) == job
    assert job_from_row({**job_to_row(job), "creator": None, CHECKSUM: None}).creator is None
