"""Rows whose values are not those that their checksums were taken of, among many."""

import contextlib
import datetime as dt
import sqlite3

import pytest

from naiad.service.domain.job import Job, JobKind, ResourceRequest
from naiad.service.store import row_check
from naiad.service.store.open import open_store
from naiad.service.store.row_check import find_damaged_rows, find_first_damage, remove_damaged_rows

AT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setattr(row_check, "_ROWS_AT_ONCE", 4)
    store = open_store(tmp_path)
    for number in range(10):
        store.add(Job(JobKind.TRAINING, f"job-{number}", "r", {"n": number}, ResourceRequest(1, 1, 1), AT, AT), {})
    store.close()
    return tmp_path / "naiad.db"


def change(path, *names):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        for name in names:
            connection.execute("UPDATE naiad_jobs SET region = 'other' WHERE name = ?", (name,))
        connection.commit()


def test_a_sound_database_has_none(path, tmp_path):
    assert list(find_damaged_rows(path)) == []
    assert find_first_damage(path) is None
    assert find_first_damage(tmp_path / "none.db") is None


def test_each_damaged_row_is_found_and_removed(path):
    change(path, "job-0", "job-3", "job-4", "job-9")
    found = list(find_damaged_rows(path))
    assert [place.message.split()[4] for place in found] == ["job-0", "job-3", "job-4", "job-9"]
    assert find_first_damage(path) == found[0].message
    assert remove_damaged_rows(path) == found
    assert list(find_damaged_rows(path)) == []
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM naiad_jobs").fetchone() == (6,)


def test_a_database_of_an_older_version_is_left_to_its_upgrade(path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE naiad_jobs DROP COLUMN checksum")
        connection.commit()
    assert find_first_damage(path) is None
