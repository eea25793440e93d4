"""A readers–writer lock between the threads of one process.

SQLite's rollback journal excludes readers while a commit is synced. A reader that SQLite excludes sleeps and polls, and with busy
writers it may sleep for seconds. With this lock it is woken after the commit, before the next one.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import Condition
from typing import Protocol


class ReadWriteLock(Protocol):
    def read(self) -> AbstractContextManager[None]:
        """Any number of threads at once."""

    def write(self) -> AbstractContextManager[None]:
        """Excludes readers. The caller ensures that only one thread writes at a time."""


class NullReadWriteLock:
    """The null twin, for a database whose readers never wait."""

    def read(self) -> AbstractContextManager[None]:
        return nullcontext()

    def write(self) -> AbstractContextManager[None]:
        return nullcontext()


class WriterPreferringLock:
    def __init__(self) -> None:
        self._changed = Condition()
        self._readers = 0
        self._has_writer = False

    @contextmanager
    def read(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._has_writer)
            self._readers += 1
        try:
            yield
        finally:
            with self._changed:
                self._readers -= 1
                self._changed.notify_all()

    @contextmanager
    def write(self) -> Iterator[None]:
        with self._changed:
            self._has_writer = True  # new readers wait from now on; the present ones finish soon
            self._changed.wait_for(lambda: self._readers == 0)
        try:
            yield
        finally:
            with self._changed:
                self._has_writer = False
                self._changed.notify_all()
