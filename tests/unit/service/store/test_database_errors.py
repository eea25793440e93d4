import sqlite3

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from naiad.service.domain.errors import Conflict, Invalid, StorageFull, Unavailable
from naiad.service.store.database_errors import translate_database_errors


class PostgresError(Exception):
    sqlstate = "53100"


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (OperationalError("INSERT", {}, PostgresError("could not extend file")), StorageFull),
        (OperationalError("INSERT", {}, sqlite3.OperationalError("database is locked")), Unavailable),
        (DataError("INSERT", {}, ValueError("NUL")), Invalid),
        (PoolTimeout("no connection"), Unavailable),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates"), Invalid),
        (Conflict("ours"), Conflict),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.__name__,
)
def test_each_error_is_translated(raised, expected):
    with pytest.raises(expected) as caught, translate_database_errors():
        raise raised
    assert "INSERT" not in str(caught.value)


def test_a_full_sqlite_database_is_a_full_disk(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 'full.db'}")
    with engine.connect() as connection:
        connection.execute(text("PRAGMA max_page_count = 2"))
        connection.execute(text("CREATE TABLE filled (value)"))
        with pytest.raises(StorageFull, match="disk of the store's database is full"), translate_database_errors():
            connection.execute(text("INSERT INTO filled VALUES (zeroblob(100000))"))
    engine.dispose()
