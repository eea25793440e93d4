"""The lock on a PostgreSQL database: one server holds it, and lets it go when it dies."""

import datetime as dt
import os
import subprocess
import sys

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from naiad.errors import InputError
from naiad.service.domain.errors import Unavailable
from naiad.service.store.database_lock import hold_database

SINCE = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)

HOLDER = """
import datetime as dt, sys
from naiad.service.store.database_lock import hold_database
held = hold_database(sys.argv[1], serves_at="http://127.0.0.1:4711", since=dt.datetime.now(dt.UTC))
print("held", flush=True)
sys.stdin.read()
"""


def take(url):
    return hold_database(url, serves_at="http://here", since=SINCE)


def test_the_second_is_told_who_holds_it(postgres_url):
    first = take(postgres_url)
    with pytest.raises(InputError, match=rf"in use by naiad pid {os.getpid()} at http://here on .* from this machine"):
        take(postgres_url)
    assert first.still_held()
    first.release()
    first.release()
    assert not first.still_held()
    take(postgres_url).release()


def test_it_is_free_again_when_its_process_is_killed(postgres_url):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, postgres_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(InputError, match=rf"naiad pid {holder.pid} at http://127.0.0.1:4711"):
            take(postgres_url)
        holder.kill()
    taken = _take_soon(postgres_url)
    assert taken.still_held()
    taken.release()


def _take_soon(url):
    """The server notices the closed socket a moment after the kill."""
    for _ in range(1000):
        try:
            return take(url)
        except InputError:
            pass
    return take(url)


def test_a_lost_connection_is_noticed(postgres_url):
    held = take(postgres_url)
    engine = create_engine(make_url(postgres_url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        ended = text(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name LIKE 'naiad pid%'"
        )
        connection.execute(ended)
    engine.dispose()
    assert not held.still_held()
    assert not held.still_held()
    held.release()
    take(postgres_url).release()


def test_what_was_lost_is_taken_again_unless_another_has_it(postgres):
    held = take(postgres.url)
    postgres.stop()
    assert not held.still_held()
    with pytest.raises(Unavailable, match="cannot be reached"):
        held.regain()
    postgres.start()
    other = take(postgres.url)
    with pytest.raises(Unavailable, match="in use by"):
        held.regain()
    other.release()
    held.regain()
    assert held.still_held()
    held.release()


def test_a_server_that_is_not_there_is_named_without_the_password(tmp_path):
    with pytest.raises(InputError, match="cannot be reached") as refused:
        take(f"postgresql://someone:secret@/postgres?host={tmp_path}")
    assert "secret" not in str(refused.value)
