import stat

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from naiad.service.store.engines import sqlite_engines


@pytest.fixture
def engines(tmp_path):
    engines = sqlite_engines(tmp_path / "naiad.db")
    yield engines
    engines.dispose()


def pragma(engine, name):
    with engine.connect() as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()


def test_the_writer_syncs_fully_and_keeps_a_rollback_journal(engines):
    assert pragma(engines.writer, "synchronous") == 2
    assert pragma(engines.writer, "journal_mode") == "persist"
    assert pragma(engines.writer, "cache_spill") == 0


def test_readers_cannot_write(engines):
    with engines.reader.connect() as connection, pytest.raises(OperationalError, match="readonly"):
        connection.execute(text("CREATE TABLE x (y)"))


def test_only_the_owner_may_read_database_and_journal(engines, tmp_path):
    with engines.writer.begin() as connection:
        connection.execute(text("CREATE TABLE x (y)"))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"naiad.db": 0o600, "naiad.db-journal": 0o600}


def test_a_file_that_others_may_read_is_closed_to_them(tmp_path):
    (tmp_path / "open.db").touch(mode=0o644)
    sqlite_engines(tmp_path / "open.db").dispose()
    assert stat.S_IMODE((tmp_path / "open.db").stat().st_mode) == 0o600


def test_a_link_in_its_place_is_refused(tmp_path):
    (tmp_path / "elsewhere").touch()
    (tmp_path / "naiad.db").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        sqlite_engines(tmp_path / "naiad.db")
    assert (tmp_path / "elsewhere").read_bytes() == b""


def test_a_reader_sees_the_old_rows_while_a_change_is_written(engines):
    with engines.writer.begin() as connection:
        connection.execute(text("CREATE TABLE x (y)"))
    with engines.writer.begin() as connection:
        connection.execute(text("INSERT INTO x SELECT zeroblob(100000) FROM (VALUES (1), (2), (3))"))
        assert _count(engines) == 0
    assert _count(engines) == 3


def _count(engines):
    with engines.reader.connect() as reader:
        return reader.execute(text("SELECT count(*) FROM x")).scalar_one()
