"""Opens the store at an address: a folder, ``sqlite:///file`` or ``postgresql://…``."""

import contextlib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from naiad.errors import FolderError, InputError, OptionError
from naiad.extras import missing_package_error
from naiad.service.store.engines import Engines, postgres_engines, sqlite_engines
from naiad.service.store.migrations import upgrade
from naiad.service.store.sql import SqlStore

FILE_NAME = "naiad.db"
_UPGRADE_TRIES = 3


def open_store(url_or_folder: str | Path, *, on_full: Callable[[], object] = lambda: None) -> SqlStore:
    """Creates or upgrades the database where needed. ``on_full`` makes room when its disk is full.

    Raises OptionError for an invalid address, FolderError for a folder that cannot be written, InputError for a database that
    cannot be used.
    """
    engines = _make_engines(url_or_folder)
    try:
        _upgrade(engines)
    except DBAPIError as error:
        engines.dispose()
        raise InputError(f"database {engines.writer.url.render_as_string()} cannot be used: {error.orig}") from error
    except InputError:
        engines.dispose()
        raise
    return SqlStore(engines, on_full)


def _upgrade(engines: Engines) -> None:
    """Tries again after an error: a fault of the disk may pass, and a killed server's journal is played back here."""
    for _ in range(_UPGRADE_TRIES - 1):
        with contextlib.suppress(OperationalError):
            upgrade(engines.writer)
            return
    upgrade(engines.writer)


def sqlite_file(state: Path, database: str | None) -> Path | None:
    """Returns the file of a server's database; None where it is a PostgreSQL. ``database``: as ``--database`` has it.

    Raises OptionError for an invalid address.
    """
    if database is None:
        return state / FILE_NAME
    return _database_file(_parse_url(database)) if database.startswith("sqlite:") else None


def parse_postgres_url(address: str) -> URL:
    """Raises OptionError for an address that is not PostgreSQL's, PackageError when psycopg is not installed."""
    url = _parse_url(address)
    if url.get_backend_name() != "postgresql":
        raise OptionError(
            f"database {url.render_as_string()} is not supported; give a folder, sqlite:///file or postgresql://…"
        )
    if find_spec("psycopg") is None:
        raise missing_package_error("psycopg")
    return url


def _make_engines(url_or_folder: str | Path) -> Engines:
    if isinstance(url_or_folder, Path) or "://" not in url_or_folder:
        return _open_sqlite(Path(url_or_folder) / FILE_NAME)
    if url_or_folder.startswith("sqlite:"):
        return _open_sqlite(_database_file(_parse_url(url_or_folder)))
    return postgres_engines(parse_postgres_url(url_or_folder))


def _open_sqlite(path: Path) -> Engines:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return sqlite_engines(path.absolute())
    except OSError as error:
        raise FolderError(f"database {path} cannot be opened: {error.strerror}") from error


def _database_file(url: URL) -> Path:
    if not url.database or url.database == ":memory:" or url.query or url.host:
        raise OptionError(f"database {url.render_as_string()} names no file; give sqlite:///folder/file.db")
    return Path(url.database)


def _parse_url(address: str) -> URL:
    try:
        return make_url(address)
    except (ArgumentError, ValueError) as error:
        raise OptionError(
            "the database's address cannot be read; give a folder, sqlite:///file or postgresql://…"
        ) from error
