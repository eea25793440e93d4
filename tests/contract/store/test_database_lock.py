"""The lock on a PostgreSQL database: one server has it, and its death releases it."""

import datetime as dt
import os
import subprocess
import sys

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from naiad.errors import InputError
from naiad.service.domain.errors import Unavailable
from naiad.service.store.database_lock import lock_database

SINCE = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)

OWNER = """
import datetime as dt, sys
from naiad.service.store.database_lock import lock_database
lock = lock_database(sys.argv[1], url="http://127.0.0.1:4711", since=dt.datetime.now(dt.UTC))
print("locked", flush=True)
sys.stdin.read()
"""


def acquire(url):
    return lock_database(url, url="http://here", since=SINCE)


def test_a_second_server_is_told_the_owner(postgres_url):
    first = acquire(postgres_url)
    with pytest.raises(InputError, match=rf"in use by naiad pid {os.getpid()} at http://here on .* from this machine"):
        acquire(postgres_url)
    assert first.is_held()
    first.release()
    first.release()
    assert not first.is_held()
    acquire(postgres_url).release()


def test_a_kill_of_the_owner_releases_it(postgres_url):
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, postgres_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout.readline() == "locked\n"
        with pytest.raises(InputError, match=rf"naiad pid {owner.pid} at http://127.0.0.1:4711"):
            acquire(postgres_url)
        owner.kill()
    lock = _soon(lambda: acquire(postgres_url))
    assert lock.is_held()
    lock.release()


def _soon(action):
    """Repeats the action: PostgreSQL notices a closed connection a moment after it was closed."""
    for _ in range(1000):
        try:
            return action()
        except (InputError, Unavailable):
            pass
    return action()


def test_a_lost_connection_is_noticed(postgres_url):
    lock = acquire(postgres_url)
    engine = create_engine(make_url(postgres_url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        ended = text(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name LIKE 'naiad pid%'"
        )
        connection.execute(ended)
    engine.dispose()
    assert not lock.is_held()
    assert not lock.is_held()
    lock.release()
    acquire(postgres_url).release()


def test_a_lost_lock_is_reacquired_unless_another_server_has_it(postgres):
    lock = acquire(postgres.url)
    postgres.stop()
    assert not lock.is_held()
    with pytest.raises(Unavailable, match="cannot be reached"):
        lock.reacquire()
    postgres.start()
    other = acquire(postgres.url)
    with pytest.raises(Unavailable, match="in use by"):
        lock.reacquire()
    other.release()
    _soon(lock.reacquire)
    assert lock.is_held()
    lock.release()


def test_an_unreachable_database_is_named_without_its_password(tmp_path):
    with pytest.raises(InputError, match="cannot be reached") as refused:
        acquire(f"postgresql://someone:secret@/postgres?host={tmp_path}")
    assert "secret" not in str(refused.value)
