"""The lock of ``lock.py`` for a PostgreSQL database: an advisory lock on a connection of its own."""

import datetime as dt
from threading import Lock

from sqlalchemy import Connection, Engine, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from naiad.errors import InputError
from naiad.service.domain.errors import Unavailable
from naiad.service.store.engines import POSTGRES_OPTIONS
from naiad.service.store.lock import Holder
from naiad.service.store.open import postgres_url

_KEY = 0x6E61696164  # "naiad"
_LONGEST_NAME_BYTES = 63
_PROBE_S = 10
"""After about three times this, PostgreSQL takes a machine that fell silent for dead."""

_HOLDER = text("""
    SELECT activity.application_name, activity.pid, activity.client_addr, activity.backend_start
    FROM pg_locks AS held JOIN pg_stat_activity AS activity ON activity.pid = held.pid
    WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
      AND ((held.classid::bigint << 32) | held.objid::bigint) = :key
      AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
""")


class DatabaseHold:
    def __init__(self, engine: Engine, shown: str) -> None:
        """Raises InputError that says who holds the database, or why it cannot be reached."""
        self._engine, self._shown = engine, shown
        self._one_at_a_time = Lock()
        self._connection = _locked(engine, shown)

    def still_held(self) -> bool:
        """False once the connection was lost, for then another server may hold the database."""
        with self._one_at_a_time:
            try:
                return not self._connection.closed and self._connection.execute(text("SELECT 1")).scalar_one() == 1
            except DBAPIError:
                self._connection.invalidate()
                self._connection.close()
                return False

    def regain(self) -> None:
        with self._one_at_a_time:
            self._connection.close()
            try:
                self._connection = _locked(self._engine, self._shown)
            except InputError as error:
                raise Unavailable(str(error)) from error

    def release(self) -> None:
        with self._one_at_a_time:
            self._connection.close()


def hold_database(url: str, *, serves_at: str, since: dt.datetime) -> DatabaseHold:
    """Raises InputError that says who holds the database, or why it cannot be reached."""
    address = postgres_url(url)
    holder = Holder.this_process(url=serves_at, since=since)
    engine = create_engine(
        address.set(drivername="postgresql+psycopg"),
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        connect_args=POSTGRES_OPTIONS
        | {
            "application_name": _name_of(holder),
            "keepalives_idle": _PROBE_S,
            "keepalives_interval": _PROBE_S,
            "keepalives_count": 3,
        },
    )
    return DatabaseHold(engine, address.render_as_string())


def _locked(engine: Engine, shown: str) -> Connection:
    try:
        connection = engine.connect()
        if connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _KEY}).scalar_one():
            return connection
        held_by = _held_by(connection)
        connection.close()
    except DBAPIError as error:
        raise InputError(f"database {shown} cannot be reached: {error.orig}") from error
    raise InputError(
        f"database {shown} is in use by {held_by}", hint="use that server, stop it first, or give another database"
    )


def _name_of(holder: Holder) -> str:
    """PostgreSQL cuts it at 63 bytes and takes ASCII; the address comes first, for the host may be long."""
    name = f"naiad pid {holder.pid} at {holder.url} on {holder.host}"
    return name.encode("ascii", "replace")[:_LONGEST_NAME_BYTES].decode()


def _held_by(connection: Connection) -> str:
    row = connection.execute(_HOLDER, {"key": _KEY}).first()
    if row is None:
        return "another server"
    name, _, address, since = row
    return f"{name} from {address or 'this machine'}, since {since:%Y-%m-%d %H:%M:%S %Z}"
