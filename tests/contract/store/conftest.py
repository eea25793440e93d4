"""An empty store on each database, and helpers of the contract suites."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from naiad.service.store.engines import postgres_engines
from naiad.service.store.open import open_store


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request, tmp_path):
    """The address of an empty database. SQLite comes first, so that it is tested where PostgreSQL is missing."""
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


@pytest.fixture
def entities(store):
    return store.entities


@pytest.fixture
def all_names():
    """A function that follows a query's pages to the last one and returns the names of all."""

    def find_all(store, query):
        names, token = [], None
        while True:
            page = store.find(replace(query, next_token=token))
            names += [item.name for item in (page.jobs if hasattr(page, "jobs") else page.entities)]
            if (token := page.next_token) is None:
                return names

    return find_all


@pytest.fixture
def in_threads():
    """A function that runs ``work(number)`` in threads that start together; returns what they return."""

    def run(count, work):
        barrier = threading.Barrier(count)

        def work_with_others(number):
            barrier.wait(timeout=30)
            return work(number)

        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(work_with_others, range(count)))

    return run
