"""A checksum of a row, stored beside its values: SQLite itself does not notice a flipped bit in a text or a number."""

import logging
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from naiad.service.domain.errors import ServiceError

_LOG = logging.getLogger(__name__)
COLUMN = "checksum"
_Record = TypeVar("_Record")


class DamagedRow(ServiceError):
    """A row of the database has another checksum than it was written with."""


def with_checksum(values: dict[str, Any]) -> dict[str, Any]:
    return {**values, COLUMN: _checksum(values, values)}


def check_row(row: Mapping[Any, Any], names: Collection[str]) -> None:
    """``names``: those of ``with_checksum``, in that order. Raises DamagedRow. Rows of older versions have no checksum."""
    if row[COLUMN] is not None and row[COLUMN] != _checksum(row, names):
        subject = " ".join(str(row[name]) for name in ("kind", "name") if name in names)
        raise DamagedRow(
            f"the record of {subject} in the database is damaged",
            hint="start the server again, which repairs it from backups and the folders of jobs",
        )


def undamaged(rows: Iterable[Mapping[Any, Any]], from_row: Callable[[Mapping[Any, Any]], _Record]) -> Iterator[_Record]:
    """Yields the records of a list. One that is damaged is left out and logged: it must not hide the others."""
    for row in rows:
        try:
            yield from_row(row)
        except DamagedRow as error:
            _LOG.error("%s; it is left out of lists", error)


def _checksum(row: Mapping[Any, Any], names: Iterable[str]) -> int:
    return zlib.crc32("\0".join([str(row[name]) for name in names]).encode("utf-8", "surrogatepass"))
