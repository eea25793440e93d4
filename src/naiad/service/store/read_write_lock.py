"""Readers and commits take turns.

SQLite's rollback journal shuts readers out while a commit is synced; a reader that finds it shut sleeps and looks again, and
with busy writers it may sleep for seconds. Here it is woken when the commit is through, before the next one.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import Condition
from typing import Protocol


class Gate(Protocol):
    def reading(self) -> AbstractContextManager[None]: ...

    def committing(self) -> AbstractContextManager[None]:
        """For one thread at a time: the caller sees to that."""


class OpenGate:
    """For a database whose readers never wait."""

    def reading(self) -> AbstractContextManager[None]:
        return nullcontext()

    def committing(self) -> AbstractContextManager[None]:
        return nullcontext()


class TurnGate:
    def __init__(self) -> None:
        self._changed = Condition()
        self._readers = 0
        self._is_shut = False

    @contextmanager
    def reading(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._is_shut)
            self._readers += 1
        try:
            yield
        finally:
            with self._changed:
                self._readers -= 1
                self._changed.notify_all()

    @contextmanager
    def committing(self) -> Iterator[None]:
        with self._changed:
            self._is_shut = True  # from now on nobody comes in; those who are in end soon
            self._changed.wait_for(lambda: self._readers == 0)
        try:
            yield
        finally:
            with self._changed:
                self._is_shut = False
                self._changed.notify_all()
