"""Cursors over the items of many jobs."""

from typing import Any

import pytest

from naiad.service.domain.errors import Invalid
from naiad.service.domain.job import JobKind
from naiad.service.gateway.operations.job_cursor import JobCursor, iterate_jobs, parse_cursor
from naiad.service.store.port import JobQuery


@pytest.mark.parametrize("cursor", [JobCursor(), JobCursor(3), JobCursor(0, "a.b"), JobCursor(7, "token")])
def test_a_cursor_is_read_from_its_text(cursor: JobCursor) -> None:
    assert parse_cursor(str(cursor)) == cursor


def test_without_a_token_a_list_begins_at_its_start() -> None:
    assert parse_cursor(None) == JobCursor()


@pytest.mark.parametrize("token", ["", "1", "x.", "-1.", "²."])
def test_another_text_is_refused(token: str) -> None:
    with pytest.raises(Invalid, match="was not given by this service"):
        parse_cursor(token)


def test_the_items_of_many_jobs_in_parts(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("naiad.service.gateway.operations.job_cursor._PAGE_SIZE", 2)
    names = [f"job-{number}" for number in range(5)]
    for name in names:
        api.train(name)
    query = JobQuery(JobKind.TRAINING)
    expected = [f"{name}/{part}" for name in names for part in range(3)]
    items, cursor = [], JobCursor()
    for _ in range(len(expected)):
        rest = iterate_jobs(api.services.store, query, cursor, lambda job: [f"{job.name}/{part}" for part in range(3)])
        item, cursor = next(rest)
        items.append(item)
    assert items == expected
