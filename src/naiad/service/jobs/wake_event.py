"""Wakes the supervisor when there is something new in the store, so that it need not read the store often."""

import threading


class WakeEvent:
    def __init__(self) -> None:
        self._event = threading.Event()

    def wake(self) -> None:
        self._event.set()

    def wait(self, timeout_s: float) -> None:
        """Returns when it is woken: at once when that has happened since the last ``consume``."""
        self._event.wait(timeout_s)

    def consume(self) -> bool:
        """Returns whether it was woken since the last call. Call it before reading: a later write wakes again."""
        was_woken = self._event.is_set()
        self._event.clear()
        return was_woken
