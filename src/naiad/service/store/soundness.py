"""Whether a SQLite database can be trusted, and the rows that can still be read of one that cannot.

Knows files of SQLite and their tables; knows nothing of what the rows mean.
"""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

_BUSY_TIMEOUT_S = 30.0
_MAX_CORRUPT_STEPS = 100_000
"""Rows that are tried one by one behind a damaged page of a table."""


def find_damage(path: Path) -> str | None:
    """Returns what SQLite's ``quick_check`` finds, in one line; None for a database without damage, or an empty file.

    Raises sqlite3.OperationalError for one that cannot be opened at all.
    """
    if not path.exists() or path.stat().st_size == 0:
        return None
    try:
        with contextlib.closing(_connect(path)) as connection:
            found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(3)")]
    except sqlite3.DatabaseError as error:
        if _is_busy(error):
            raise
        return str(error)
    return None if found == ["ok"] else "; ".join(" ".join(text.split()) for text in found)


def find_obvious_damage(path: Path) -> str | None:
    """Returns what keeps a database from being opened, or that its file was cut. Reads a few pages only, of however many."""
    try:
        with contextlib.closing(_connect(path)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            pages, page_bytes = (
                int(connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "page_size")
            )
    except sqlite3.OperationalError:  # opening it says what is wrong
        return None
    except sqlite3.DatabaseError as error:
        return str(error)
    size = path.stat().st_size
    return f"its file has {size:,} of {pages * page_bytes:,} bytes" if size < pages * page_bytes else None


def has_rows(path: Path, table: str) -> bool:
    """Whether the table is there and has a row. False for a damaged database, too."""
    try:
        with contextlib.closing(_connect(path)) as connection:
            return connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is not None  # noqa: S608  # reason: our name
    except sqlite3.DatabaseError:
        return False


def copy_rows(source: Path, target: Path, tables: Sequence[str]) -> dict[str, bool]:
    """Copies the rows that can be read into the tables of ``target``, where they are not there yet.

    Returns for each table whether all of its rows were read. A column that ``target`` does not have is left out.
    """
    is_complete = dict.fromkeys(tables, False)
    with (
        contextlib.suppress(sqlite3.DatabaseError),
        contextlib.closing(_connect(source)) as reader,
        contextlib.closing(sqlite3.connect(target)) as writer,
    ):
        for table in tables:
            is_complete[table] = _copy_table(reader, writer, table)
        writer.commit()
    return is_complete


def _copy_table(reader: sqlite3.Connection, writer: sqlite3.Connection, table: str) -> bool:
    known = [row[1] for row in writer.execute(f"PRAGMA table_info({table})")]
    try:
        names = [row[1] for row in reader.execute(f"PRAGMA table_info({table})") if row[1] in known]
        if not names:
            return False
        rows = _read_rows(reader, table, names)
        marks = ", ".join("?" * len(names))
        statement = f"INSERT OR IGNORE INTO {table} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608  # reason: our names
        complete = True
        for row in rows:
            if row is None:
                complete = False
                continue
            with contextlib.suppress(sqlite3.IntegrityError):  # a damaged row may have NULL where none may be
                writer.execute(statement, row)
    except sqlite3.DatabaseError:
        return False
    return complete


def _read_rows(reader: sqlite3.Connection, table: str, names: Sequence[str]) -> Iterator[tuple[object, ...] | None]:
    """Yields the rows of a table in the order of their numbers; None in the place of those that cannot be read."""
    columns, last, stop = ", ".join(names), -1, None
    statement = f"SELECT rowid, {columns} FROM {table} WHERE rowid > ? ORDER BY rowid"  # noqa: S608  # reason: our names
    for _ in range(_MAX_CORRUPT_STEPS):
        try:
            for row in reader.execute(statement, (last,)):
                last = row[0]
                yield row[1:]
        except (sqlite3.DatabaseError, UnicodeDecodeError):
            yield None
            if stop is None:
                stop = _last_row_number(reader, table)
            last += 1
            if last >= stop:
                return
        else:
            return


def _last_row_number(reader: sqlite3.Connection, table: str) -> int:
    try:
        row = reader.execute(f"SELECT rowid FROM {table} ORDER BY rowid DESC LIMIT 1").fetchone()  # noqa: S608  # reason: our name
    except sqlite3.DatabaseError:
        return 0
    return int(row[0]) if row else 0


def _connect(path: Path) -> sqlite3.Connection:
    """Opens an existing database. It may be written only to play back the journal of a killed server."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=_BUSY_TIMEOUT_S)
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def _is_busy(error: sqlite3.DatabaseError) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
