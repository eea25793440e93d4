"""How long ago things happened, whatever is done to the machine's clock meanwhile.

The clock tells it once, when a thing is first asked about; from then on a clock that nobody sets counts on. A thing of the
future, by the clock, has just happened.
"""

import datetime as dt
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from naiad.service.domain.clock import Clock

_Thing = TypeVar("_Thing", bound=Hashable)


class ElapsedTimes(Generic[_Thing]):
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._first_asked: dict[_Thing, tuple[float, float]] = {}
        """(seconds since the thing, seconds on the monotonic clock) when it was first asked about."""

    def since_s(self, thing: _Thing, at: dt.datetime) -> float:
        """Returns the seconds since ``thing``, which happened at ``at``."""
        now_s = self._clock.monotonic_s()
        if thing not in self._first_asked:
            self._first_asked[thing] = max(0.0, (self._clock.now() - at).total_seconds()), now_s
        age_s, asked_at_s = self._first_asked[thing]
        return age_s + now_s - asked_at_s

    def forget(self, is_forgotten: Callable[[_Thing], bool]) -> None:
        """Forgets things that are over. Costs nothing where there are none."""
        self._first_asked = {thing: first for thing, first in self._first_asked.items() if not is_forgotten(thing)}
