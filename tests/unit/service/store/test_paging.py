import base64
import datetime as dt
import json

import pytest

from naiad.service.domain.errors import Invalid
from naiad.service.domain.job import JobKind
from naiad.service.store.paging import is_after_token, make_token, order_by
from naiad.service.store.port import JobQuery
from naiad.service.store.schema import jobs

QUERY = JobQuery(JobKind.TRAINING, created_after=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
ROW = {"name": "a", "created_us": 5, "modified_us": 6, "status": "Failed"}


def forged(*parts):
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


def digest_of(token):
    return json.loads(base64.urlsafe_b64decode(token))[0]


def test_a_token_is_accepted_by_its_query():
    assert str(is_after_token(QUERY, make_token(QUERY, ROW), jobs)) == (
        "(naiad_jobs.created_us, naiad_jobs.name) > (:param_1, :param_2)"
    )


def test_every_order_ends_with_the_name():
    for sort_by in ("name", "created_at", "modified_at", "status"):
        assert (
            str(order_by(JobQuery(JobKind.TRAINING, sort_by=sort_by, descending=True), jobs)[-1])
            == "naiad_jobs.name DESC"
        )


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "ü",
        "====",
        "\0",
        "A" * 1_000_000,
        forged(),
        forged(1),
        base64.b64encode(b"[" * 3000).decode(),
        "bnVsbA==",
    ],
    ids=lambda token: repr(token[:12]),
)
def test_an_invalid_token_is_refused(token):
    with pytest.raises(Invalid, match="next token"):
        is_after_token(QUERY, token, jobs)


@pytest.mark.parametrize(
    "position", [[], ["a"], ["5", "a"], [5, None], [5, "a", 6], [True, "a"], [{"x": 1}, "a"], [5.0, "a"]]
)
def test_a_forged_position_is_refused(position):
    with pytest.raises(Invalid, match="next token"):
        is_after_token(QUERY, forged(digest_of(make_token(QUERY, ROW)), *position), jobs)


def test_a_number_larger_than_the_column_is_refused():
    with pytest.raises(Invalid, match="next token"):
        is_after_token(QUERY, forged(digest_of(make_token(QUERY, ROW)), 1 << 64, "a"), jobs)
