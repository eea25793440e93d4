"""Engines of the two databases, set up so that a committed change is on disk.

SQLite has one writer connection for all threads (SQLite allows only one, and a queue here is fairer than its polling) and a
few readers. It keeps a rollback journal; WAL can corrupt a database up to SQLite 3.51.2. Each commit zeroes and syncs the
journal's header (PERSIST): after DELETE, a power cut could bring a deleted journal back, and that would undo a commit.
``cache_spill`` is off, so that a large write excludes readers at its commit only.
"""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.engine import URL

from naiad import durable
from naiad.service.store.read_write_lock import NullReadWriteLock, ReadWriteLock, WriterPreferringLock

_BUSY_TIMEOUT_MS = 30_000
_POOL_TIMEOUT_S = 60
_READERS = 4
_POSTGRES_CONNECTIONS = 6
POSTGRES_OPTIONS = {"connect_timeout": 10, "client_encoding": "utf8"}
"""psycopg returns bytes from a database of SQL_ASCII unless the encoding is named."""
_JOURNAL_SIZE_LIMIT_BYTES = 4 << 20
_CACHE_KIB = 8192


@dataclass(frozen=True)
class Engines:
    reader: Engine
    """Each of its statements sees a snapshot."""
    writer: Engine
    lock: ReadWriteLock
    """Taken for reading by each reader, for writing by each commit."""

    def dispose(self) -> None:
        self.reader.dispose()
        self.writer.dispose()


def sqlite_engines(path: Path) -> Engines:
    """Creates the file, for its owner only, where it is missing. Raises OSError."""
    durable.ensure_file(path, mode=0o600)
    url = URL.create("sqlite", database=str(path))
    writer = create_engine(url, poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=_POOL_TIMEOUT_S)
    event.listen(writer, "connect", _set_up_sqlite_writer)
    event.listen(writer, "begin", _begin_immediate)
    reader = create_engine(url, poolclass=QueuePool, pool_size=_READERS, max_overflow=0, pool_timeout=_POOL_TIMEOUT_S)
    event.listen(reader, "connect", _set_up_sqlite_reader)
    return Engines(reader, writer, WriterPreferringLock())


def postgres_engines(url: URL) -> Engines:
    """Raises ModuleNotFoundError where psycopg is not installed."""
    writer = create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=_POSTGRES_CONNECTIONS,
        max_overflow=0,
        pool_timeout=_POOL_TIMEOUT_S,
        pool_pre_ping=True,
        connect_args=POSTGRES_OPTIONS | {"application_name": "naiad"},
    )
    event.listen(writer, "connect", _set_up_postgres)
    return Engines(writer.execution_options(isolation_level="AUTOCOMMIT"), writer, NullReadWriteLock())


def _set_up_sqlite(connection: sqlite3.Connection) -> None:
    connection.isolation_level = None  # SQLAlchemy's event sends BEGIN
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    connection.execute("PRAGMA trusted_schema = OFF")


def _set_up_sqlite_writer(connection: sqlite3.Connection, _record: object) -> None:
    _set_up_sqlite(connection)
    connection.execute("PRAGMA journal_mode = PERSIST")
    connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_SIZE_LIMIT_BYTES}")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_spill = OFF")


def _set_up_sqlite_reader(connection: sqlite3.Connection, _record: object) -> None:
    _set_up_sqlite(connection)
    connection.execute("PRAGMA query_only = ON")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _set_up_postgres(connection: Any, _record: object) -> None:
    """Has each commit wait for the disk, whatever the server's default is."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
        )
    connection.commit()
