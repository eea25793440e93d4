"""Pages come from indexes: what a page reads does not grow with the table. What they hold is in tests/contract."""

import datetime as dt

import pytest

from naiad.service.domain.job import Job, JobKind, Need
from naiad.service.domain.status import Status
from naiad.service.store import queries
from naiad.service.store.engines import sqlite_engines
from naiad.service.store.migrations import upgrade
from naiad.service.store.port import JobQuery
from naiad.service.store.sql import SqlStore

AT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
KIND = JobKind.TRAINING


@pytest.fixture(scope="module")
def connection(tmp_path_factory):
    engines = sqlite_engines(tmp_path_factory.mktemp("store") / "naiad.db")
    upgrade(engines.writer)
    SqlStore(engines).add(Job(KIND, "a", "us-east-1", {}, Need(1, 1, 1), AT, AT), {"k": "v"})
    with engines.reader.connect() as connection:
        yield connection
    engines.dispose()


def plan(connection, asked):
    compiled = asked.compile(connection, compile_kwargs={"literal_binds": True})
    return [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}")]


@pytest.mark.parametrize("few", [500, -1], ids=["few", "many"])
@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"status": Status.IN_PROGRESS},
        {"tag": ("k", "v")},
        {"tag": ("k", None)},
        {"name_contains": "a"},
        {"created_after": AT},
        {"modified_before": AT, "status": Status.IN_PROGRESS},
    ],
    ids=str,
)
@pytest.mark.parametrize("sort_by", ["name", "created_at", "modified_at", "status"])
def test_no_page_goes_through_the_table(connection, sort_by, filters, few, monkeypatch):
    monkeypatch.setattr(queries, "_FEW", few)
    steps = plan(connection, queries.page(connection, JobQuery(KIND, sort_by=sort_by, **filters)))
    assert not [step for step in steps if step.startswith("SCAN naiad_")]


@pytest.mark.parametrize("sort_by", ["name", "created_at", "modified_at", "status"])
def test_the_first_page_is_found_in_the_order_of_an_index(connection, sort_by):
    steps = plan(connection, queries.page(connection, JobQuery(KIND, sort_by=sort_by)))
    assert any(
        "USING COVERING INDEX naiad_jobs_by_" in step or "USING COVERING INDEX sqlite_auto" in step for step in steps
    )


def test_the_unfinished_are_found_by_their_status(connection):
    assert any("naiad_jobs_by_status" in step for step in plan(connection, queries.unfinished()))
