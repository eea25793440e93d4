import sqlite3

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from naiad.service.domain.errors import Conflict, Invalid, StorageFull, Unavailable
from naiad.service.store.faults import in_our_words


class PostgresError(Exception):
    sqlstate = "53100"


@pytest.mark.parametrize(
    ("raised", "said"),
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
def test_each_fault_has_its_word(raised, said):
    with pytest.raises(said) as caught, in_our_words():
        raise raised
    assert "INSERT" not in str(caught.value)


def test_a_full_sqlite_database_is_a_full_disk(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 'full.db'}")
    with engine.connect() as connection:
        connection.execute(text("PRAGMA max_page_count = 2"))
        connection.execute(text("CREATE TABLE filled (value)"))
        with pytest.raises(StorageFull, match="no room is left"), in_our_words():
            connection.execute(text("INSERT INTO filled VALUES (zeroblob(100000))"))
    engine.dispose()
