"""The lock on a PostgreSQL database: an advisory lock on a connection of its own. ``lock.py`` has its contract."""

import datetime as dt
from threading import Lock

from sqlalchemy import Connection, Engine, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from naiad.errors import InputError
from naiad.service.domain.errors import Unavailable
from naiad.service.store.engines import POSTGRES_OPTIONS
from naiad.service.store.lock import LockOwner
from naiad.service.store.open import parse_postgres_url

_KEY = 0x6E61696164  # "naiad"
_MAX_NAME_BYTES = 63
_KEEPALIVE_S = 10
"""PostgreSQL drops the connection of a silent machine after about three times this."""

_SELECT_OWNER = text("""
    SELECT activity.application_name, activity.client_addr, activity.backend_start
    FROM pg_locks AS held JOIN pg_stat_activity AS activity ON activity.pid = held.pid
    WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
      AND ((held.classid::bigint << 32) | held.objid::bigint) = :key
      AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
""")


class DatabaseLock:
    def __init__(self, engine: Engine, address: str) -> None:
        """``address``: the database as messages name it. Raises InputError as ``lock_database`` does."""
        self._engine, self._address = engine, address
        self._mutex = Lock()
        self._connection = _connect_and_lock(engine, address)

    def is_held(self) -> bool:
        """False once the connection was lost: another server may have the lock by then."""
        with self._mutex:
            try:
                return not self._connection.closed and self._connection.execute(text("SELECT 1")).scalar_one() == 1
            except DBAPIError:
                self._connection.invalidate()
                self._connection.close()
                return False

    def reacquire(self) -> None:
        with self._mutex:
            self._connection.close()
            try:
                self._connection = _connect_and_lock(self._engine, self._address)
            except InputError as error:
                raise Unavailable(str(error)) from error

    def release(self) -> None:
        with self._mutex:
            self._connection.close()


def lock_database(database_url: str, *, url: str, since: dt.datetime) -> DatabaseLock:
    """Locks a database. ``url``: the address of this server's gateway, which is told to servers that want the lock too.

    Raises InputError that names the owner, or says why the database cannot be reached.
    """
    database = parse_postgres_url(database_url)
    owner = LockOwner.this_process(url=url, since=since)
    engine = create_engine(
        database.set(drivername="postgresql+psycopg"),
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        connect_args=POSTGRES_OPTIONS
        | {
            "application_name": _application_name(owner),
            "keepalives_idle": _KEEPALIVE_S,
            "keepalives_interval": _KEEPALIVE_S,
            "keepalives_count": 3,
        },
    )
    return DatabaseLock(engine, database.render_as_string())


def _connect_and_lock(engine: Engine, address: str) -> Connection:
    try:
        connection = engine.connect()
        if connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _KEY}).scalar_one():
            return connection
        owner = _read_owner(connection)
        connection.close()
    except DBAPIError as error:
        raise InputError(f"database {address} cannot be reached: {error.orig}") from error
    raise InputError(
        f"database {address} is in use by {owner}", hint="use that server, stop it first, or give another database"
    )


def _application_name(owner: LockOwner) -> str:
    """Returns at most 63 bytes of ASCII, PostgreSQL's limits. The host is last, since it may be long and is cut first."""
    name = f"naiad pid {owner.pid} at {owner.url} on {owner.host}"
    return name.encode("ascii", "replace")[:_MAX_NAME_BYTES].decode()


def _read_owner(connection: Connection) -> str:
    row = connection.execute(_SELECT_OWNER, {"key": _KEY}).first()
    if row is None:
        return "another server"
    name, address, since = row
    return f"{name} from {address or 'this machine'}, since {since:%Y-%m-%d %H:%M:%S %Z}"
