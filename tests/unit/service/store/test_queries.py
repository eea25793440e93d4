"""Pages come from indexes, so the rows that a page reads do not grow with the table. tests/contract tests their content."""

import datetime as dt

import pytest

from naiad.service.domain.job import Job, JobKind, ResourceRequest
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
    SqlStore(engines).add(Job(KIND, "a", "us-east-1", {}, ResourceRequest(1, 1, 1), AT, AT), {"k": "v"})
    with engines.reader.connect() as connection:
        yield connection
    engines.dispose()


def query_plan(connection, statement):
    compiled = statement.compile(connection, compile_kwargs={"literal_binds": True})
    return [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}")]


@pytest.mark.parametrize("max_rows", [500, -1], ids=["few", "many"])
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
def test_no_page_scans_the_table(connection, sort_by, filters, max_rows, monkeypatch):
    monkeypatch.setattr(queries, "_MAX_SELECTIVE_ROWS", max_rows)
    steps = query_plan(connection, queries.select_page(connection, JobQuery(KIND, sort_by=sort_by, **filters)))
    assert not [step for step in steps if step.startswith("SCAN naiad_")]


@pytest.mark.parametrize("sort_by", ["name", "created_at", "modified_at", "status"])
def test_the_first_page_is_found_in_the_order_of_an_index(connection, sort_by):
    steps = query_plan(connection, queries.select_page(connection, JobQuery(KIND, sort_by=sort_by)))
    assert any(
        "USING COVERING INDEX naiad_jobs_by_" in step or "USING COVERING INDEX sqlite_auto" in step for step in steps
    )


def test_unfinished_jobs_are_found_by_their_status(connection):
    assert any("naiad_jobs_by_status" in step for step in query_plan(connection, queries.select_unfinished()))
