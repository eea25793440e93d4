"""The time that measuring may take: a small fraction of the run that it is for."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

DEFAULT_FRACTION = 0.05
"""Fraction of the run's expected seconds."""


class BudgetError(Exception):  # reason: a signal to ``measure_choices``, which keeps the rule's value
    """A measurement was not begun, or not finished, for want of time.

    is_final: the whole budget would not pay for it either, so that a later run need not try.
    """

    def __init__(self, *, is_final: bool) -> None:
        super().__init__("no room in the budget")
        self.is_final = is_final


@dataclass
class Budget:
    """Seconds for measuring. A measurement that does not fit into what is left is not begun."""

    limit_s: float
    clock: Callable[[], float] = time.perf_counter
    spent_s: float = 0.0
    _charging_since: float | None = None
    """The time at which the block began that is being charged."""

    @property
    def left_s(self) -> float:
        charging_s = 0.0 if self._charging_since is None else self.clock() - self._charging_since
        return max(0.0, self.limit_s - self.spent_s - charging_s)

    def has_room_for(self, seconds: float) -> bool:
        return seconds <= self.left_s

    def require(self, seconds: float) -> None:
        """Raises BudgetError where so many seconds are not left."""
        if not self.has_room_for(seconds):
            raise BudgetError(is_final=seconds > self.limit_s)

    @contextmanager
    def charge(self) -> Iterator[None]:
        """Charges the time inside the block, whatever happens in it."""
        self._charging_since = started = self.clock()
        try:
            yield
        finally:
            self.spent_s += self.clock() - started
            self._charging_since = None

    def refund(self, seconds: float) -> None:
        """Takes back a charge for seconds that the run would have spent anyway."""
        self.spent_s = max(0.0, self.spent_s - seconds)

    def __str__(self) -> str:
        return f"{self.spent_s:.2g} s of {self.limit_s:.2g} s"
