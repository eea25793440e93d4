"""Each database, empty, for the contract suites of the store."""

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from naiad.service.store.engines import postgres_engines
from naiad.service.store.open import open_store


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request, tmp_path):
    """Of an empty database. SQLite first, so that it is tested where PostgreSQL is missing."""
    if request.param == "sqlite":
        return str(tmp_path)
    url = request.getfixturevalue("postgres_url")
    engines = postgres_engines(make_url(url))
    with engines.writer.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engines.dispose()
    return url


@pytest.fixture
def store(address):
    store = open_store(address)
    yield store
    store.close()
