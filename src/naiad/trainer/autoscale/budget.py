"""How long measuring may take: a small part of the run it is for."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

PART = 0.05
"""Of the run's expected seconds."""


@dataclass
class Budget:
    """A purse of seconds. What does not fit into what is left is not begun."""

    limit_s: float
    clock: Callable[[], float] = time.perf_counter
    spent_s: float = 0.0
    refused: bool = False
    """Something was not begun, or not ended, for want of seconds."""
    postponed: bool = False
    """Something was not begun that a full purse would have paid for: another run may measure it."""
    _since: float | None = None
    """When the block that is being paid for began."""

    @property
    def left_s(self) -> float:
        running_s = 0.0 if self._since is None else self.clock() - self._since
        return max(0.0, self.limit_s - self.spent_s - running_s)

    def affords(self, seconds: float) -> bool:
        affordable = seconds <= self.left_s
        self.refused |= not affordable
        self.postponed |= not affordable and seconds <= self.limit_s
        return affordable

    def postpone(self) -> None:
        """What was begun was not ended, for want of seconds."""
        self.refused = self.postponed = True

    @contextmanager
    def spending(self) -> Iterator[None]:
        """The time inside the block is taken from the purse, whatever happens in it."""
        self._since = begun = self.clock()
        try:
            yield
        finally:
            self.spent_s += self.clock() - begun
            self._since = None

    def pay_back(self, seconds: float) -> None:
        """What was no measuring."""
        self.spent_s = max(0.0, self.spent_s - seconds)

    def told(self) -> str:
        return f"{self.spent_s:.2g} s of {self.limit_s:.2g} s"
