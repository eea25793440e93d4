"""Connections to the two databases, set up so that what was committed is on disk.

SQLite: one writer connection for all threads (SQLite has one writer anyway, and a queue here is fairer than its polling) and a
few readers. A rollback journal and not WAL, which is broken up to 3.51.2. The journal is kept and its header zeroed and
synced at each commit (PERSIST): with DELETE and synchronous FULL a power cut could bring a deleted journal back, and
with it take back a commit. ``cache_spill`` off: a large write takes the file from the readers at its commit only.
"""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.engine import URL

from naiad import durable
from naiad.service.store.read_write_lock import Gate, OpenGate, TurnGate

_BUSY_TIMEOUT_MS = 30_000
_POOL_TIMEOUT_S = 60
_READERS = 4
_POSTGRES_CONNECTIONS = 6
POSTGRES_OPTIONS = {"connect_timeout": 10, "client_encoding": "utf8"}
"""The encoding is named for databases of SQL_ASCII: psycopg would give bytes."""
_JOURNAL_KEPT_BYTES = 4 << 20
_CACHE_KIB = 8192


@dataclass(frozen=True)
class Engines:
    reader: Engine
    """Each statement is a snapshot of its own."""
    writer: Engine
    gate: Gate

    def dispose(self) -> None:
        self.reader.dispose()
        self.writer.dispose()


def sqlite_engines(path: Path) -> Engines:
    """Makes the file, for its owner alone, when it is not there. Raises OSError."""
    durable.ensure_file(path, mode=0o600)
    url = URL.create("sqlite", database=str(path))
    writer = create_engine(url, poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=_POOL_TIMEOUT_S)
    event.listen(writer, "connect", _set_up_sqlite_writer)
    event.listen(writer, "begin", _begin_immediate)
    reader = create_engine(url, poolclass=QueuePool, pool_size=_READERS, max_overflow=0, pool_timeout=_POOL_TIMEOUT_S)
    event.listen(reader, "connect", _set_up_sqlite_reader)
    return Engines(reader, writer, TurnGate())


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
    return Engines(writer.execution_options(isolation_level="AUTOCOMMIT"), writer, OpenGate())


def _set_up_sqlite(connection: sqlite3.Connection) -> None:
    connection.isolation_level = None  # BEGIN is ours
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    connection.execute("PRAGMA trusted_schema = OFF")


def _set_up_sqlite_writer(connection: sqlite3.Connection, _record: object) -> None:
    _set_up_sqlite(connection)
    connection.execute("PRAGMA journal_mode = PERSIST")
    connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_KEPT_BYTES}")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_spill = OFF")


def _set_up_sqlite_reader(connection: sqlite3.Connection, _record: object) -> None:
    _set_up_sqlite(connection)
    connection.execute("PRAGMA query_only = ON")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _set_up_postgres(connection: Any, _record: object) -> None:
    """A commit waits for its disk, whatever the server's default is."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
        )
    connection.commit()
