"""Wakes the supervisor when there is something new for it to read, so that it need not look often."""

import threading


class Bell:
    def __init__(self) -> None:
        self._rung = threading.Event()

    def ring(self) -> None:
        self._rung.set()

    def wait(self, timeout_s: float) -> None:
        """Returns when it is rung, at once if it was and nobody took it."""
        self._rung.wait(timeout_s)

    def take(self) -> bool:
        """Whether it was rung since it was last taken. Take it before you read: what is written later rings again."""
        rung = self._rung.is_set()
        self._rung.clear()
        return rung
