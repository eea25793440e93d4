"""The errors of the two databases, translated to those of the service."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from naiad.service.domain.errors import Invalid, ServiceError, StorageFull, Unavailable

_POSTGRES_DISK_FULL = "53100"


@contextmanager
def translate_database_errors() -> Iterator[None]:
    """Raises StorageFull, Unavailable or Invalid in place of a database's error."""
    try:
        yield
    except UnicodeEncodeError as error:
        raise Invalid(f"text that is not unicode: {error.object[:100]!a}") from error
    except PoolTimeout as error:
        raise Unavailable("the store is busy: no connection was free in time; try again") from error
    except DBAPIError as error:
        raise _service_error(error) from error


def _service_error(error: DBAPIError) -> ServiceError:
    if _is_disk_full(error.orig):
        return StorageFull("the disk of the store's database is full; free some space and try again")
    if getattr(error.orig, "sqlite_errorcode", 0) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return ServiceError(
            f"the database is damaged: {error.orig}", hint="start the server again, which repairs it from what is left"
        )
    if isinstance(error, DataError):
        return Invalid(f"text that the store cannot hold: {error.orig}")
    return Unavailable(f"the store does not answer: {error.orig}")


def _is_disk_full(cause: BaseException | None) -> bool:
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    return getattr(cause, "sqlstate", None) == _POSTGRES_DISK_FULL
