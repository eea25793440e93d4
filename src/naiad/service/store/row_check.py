"""The rows of a SQLite database whose values are not those that their checksums were taken of."""

import contextlib
import sqlite3
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

from naiad.service.store.row_checksum import COLUMN as CHECKSUM
from naiad.service.store.row_checksum import DamagedRow, check_row
from naiad.service.store.schema import COLUMNS_WITHOUT_CHECKSUM
from naiad.service.store.soundness import find_damage

_ROWS_AT_ONCE = 200


@dataclass(frozen=True)
class DamagedRowPlace:
    table: str
    row_number: int
    message: str


def find_first_damage(path: Path, *, pause_s: float = 0.0) -> str | None:
    """Returns the first damage of pages or rows. None where there is none, or where opening the database says what is wrong.

    ``pause_s``: see ``find_damaged_rows``.
    """
    with contextlib.suppress(sqlite3.OperationalError):
        if damage := find_damage(path):
            return damage
        if path.exists() and path.stat().st_size > 0:
            return next((place.message for place in find_damaged_rows(path, pause_s=pause_s)), None)
    return None


def find_damaged_rows(path: Path, *, pause_s: float = 0.0) -> Iterator[DamagedRowPlace]:
    """Yields each damaged row of an existing database. Raises sqlite3.DatabaseError for damage of another kind.

    ``pause_s`` passes between reads, in which a server answers its requests.
    """
    for table, names in COLUMNS_WITHOUT_CHECKSUM.items():
        last: int | None = -1
        while last is not None:
            last = yield from _check_some(path, table, names, last)
            time.sleep(pause_s if last is not None else 0.0)


def remove_damaged_rows(path: Path) -> list[DamagedRowPlace]:
    """Returns the rows that were removed. Raises sqlite3.DatabaseError."""
    found = list(find_damaged_rows(path))
    with contextlib.closing(sqlite3.connect(path)) as connection:
        for place in found:
            statement = f"DELETE FROM {place.table} WHERE rowid = ?"  # noqa: S608  # reason: our names
            connection.execute(statement, (place.row_number,))
        connection.commit()
    return found


def _check_some(
    path: Path, table: str, names: tuple[str, ...], after: int
) -> Generator[DamagedRowPlace, None, int | None]:
    """Returns the number of the last row that was read; None at the table's end."""
    columns = ", ".join((*names, CHECKSUM))
    statement = f"SELECT rowid AS row_number, {columns} FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT ?"  # noqa: S608  # reason: our names
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        rows = connection.execute(statement, (after, _ROWS_AT_ONCE)).fetchall()
    for row in rows:
        try:
            check_row(row, names)
        except DamagedRow as error:
            yield DamagedRowPlace(table, row["row_number"], str(error))
    return rows[-1]["row_number"] if len(rows) == _ROWS_AT_ONCE else None
