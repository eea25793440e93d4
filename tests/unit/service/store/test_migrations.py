import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import OperationalError

from naiad.errors import InputError
from naiad.service.store.engines import sqlite_engines
from naiad.service.store.migrations import MIGRATIONS, upgrade


@pytest.fixture
def engines(tmp_path):
    engines = sqlite_engines(tmp_path / "naiad.db")
    yield engines
    engines.dispose()


def tables(engines):
    return set(inspect(engines.reader).get_table_names())


def version(engines):
    with engines.reader.connect() as connection:
        return connection.execute(text("SELECT version FROM naiad_version")).scalars().all()


def test_an_empty_database_is_upgraded_once(engines):
    upgrade(engines.writer)
    upgrade(engines.writer)
    assert version(engines) == [len(MIGRATIONS)]
    names = ("associations", "entities", "jobs", "tags", "tuning_trials", "version")
    assert tables(engines) == {f"naiad_{name}" for name in names}


def test_only_missing_migrations_are_run(engines):
    upgrade(engines.writer)
    upgrade(
        engines.writer, (*MIGRATIONS, ("CREATE TABLE naiad_more (name {text})", "INSERT INTO naiad_more VALUES ('a')"))
    )
    assert version(engines) == [len(MIGRATIONS) + 1]
    assert "naiad_more" in tables(engines)


def test_a_migration_that_fails_changes_nothing(engines):
    upgrade(engines.writer)
    with pytest.raises(OperationalError, match="no such table"):
        upgrade(
            engines.writer, (*MIGRATIONS, ("CREATE TABLE naiad_more (name {text})",), ("DROP TABLE naiad_missing",))
        )
    assert version(engines) == [len(MIGRATIONS)]
    assert "naiad_more" not in tables(engines)


def test_a_newer_database_is_refused_and_left_unchanged(engines, tmp_path):
    upgrade(engines.writer)
    with engines.writer.begin() as connection:
        connection.execute(text("UPDATE naiad_version SET version = 99"))
    with pytest.raises(InputError, match=rf"{tmp_path}/naiad.db has version 99; .* up to {len(MIGRATIONS)}"):
        upgrade(engines.writer)
    assert version(engines) == [99]
