"""A database's connections: one that writes, and several that read. Errors come out as the service's own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from naiad.service.domain.errors import StorageFull
from naiad.service.store.database_errors import translate_database_errors
from naiad.service.store.engines import Engines


class Database:
    """``connect`` and ``begin`` have the meaning that they have in SQLAlchemy."""

    def __init__(self, engines: Engines, on_full: Callable[[], object] = lambda: None) -> None:
        """``on_full`` makes room on a full disk, for the transaction after the one that has met it."""
        self._engines, self._on_full = engines, on_full

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A connection that only reads."""
        engines = self._engines
        with translate_database_errors(), engines.reader.connect() as connection, engines.lock.read():
            yield connection

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One transaction. It is on disk when the block has ended; it changes nothing when the block raises."""
        engines = self._engines
        try:
            with translate_database_errors(), engines.writer.connect() as connection, connection.begin() as transaction:
                yield connection
                with engines.lock.write():
                    transaction.commit()
        except StorageFull:
            self._on_full()
            raise

    def close(self) -> None:
        self._engines.dispose()
