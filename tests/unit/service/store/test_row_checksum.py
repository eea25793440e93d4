"""A value that changes in the database without Naiad is noticed when its row is read, and hides no other row."""

import contextlib
import datetime as dt
import logging
import sqlite3

import pytest

from naiad.service.domain.entity import Entity, EntityKind
from naiad.service.domain.job import Job, JobKind, ResourceRequest
from naiad.service.store.open import open_store
from naiad.service.store.port import JobQuery
from naiad.service.store.row_checksum import DamagedRow

AT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
KIND = JobKind.TRAINING


def job(name):
    return Job(KIND, name, "us-east-1", {"size": "large"}, ResourceRequest(1, 1, 1), AT, AT)


def change(folder, statement):
    with contextlib.closing(sqlite3.connect(folder / "naiad.db")) as connection:
        connection.execute(statement)
        connection.commit()


@pytest.fixture
def store(tmp_path):
    store = open_store(tmp_path)
    for name in ("good", "bad"):
        store.add(job(name), {})
    yield store
    store.close()


@pytest.mark.parametrize(
    "assignment",
    ["request = replace(request, 'large', 'lar\x67f')", "memory_bytes = 3", "secret_key = 'x'", "ended_us = 0"],
)
def test_a_changed_job_is_noticed(store, tmp_path, assignment, caplog):
    change(tmp_path, f"UPDATE naiad_jobs SET {assignment} WHERE name = 'bad'")
    with pytest.raises(DamagedRow, match="training-job bad in the database is damaged"):
        store.get(KIND, "bad")
    assert store.get(KIND, "good") == job("good")
    with caplog.at_level(logging.ERROR):
        assert [one.name for one in store.unfinished_jobs()] == ["good"]
        assert [one.name for one in store.find(JobQuery(KIND)).jobs] == ["good"]
    assert "left out of lists" in caplog.text


def test_a_changed_entity_is_noticed(store, tmp_path):
    store.entities.add(Entity(EntityKind.MODEL, "m", "us-east-1", {"a": 1}, AT, AT), {})
    change(tmp_path, "UPDATE naiad_entities SET request = '{\"a\": 2}'")
    with pytest.raises(DamagedRow, match="m in the database is damaged"):
        store.entities.get(EntityKind.MODEL, "m")
    assert store.entities.all(EntityKind.MODEL) == ()


def test_rows_of_older_versions_have_no_checksum(store, tmp_path):
    change(tmp_path, "UPDATE naiad_jobs SET checksum = NULL")
    assert store.get(KIND, "good") == job("good")
