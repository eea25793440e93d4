"""A database's connections: one that writes, and those that read."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from naiad.service.store.engines import Engines
from naiad.service.store.faults import in_our_words


class Sessions:
    """What is raised in a session comes out in the service's own words."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        engines = self._engines
        with in_our_words(), engines.reader.connect() as connection, engines.gate.reading():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, on disk when it ends well."""
        engines = self._engines
        with in_our_words(), engines.writer.connect() as connection, connection.begin() as transaction:
            yield connection
            with engines.gate.committing():
                transaction.commit()

    def close(self) -> None:
        self._engines.dispose()
