"""The time, passed in, so that tests can bring a clock of their own."""

import datetime as dt
import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> dt.datetime:
        """Returns the present time, aware and in UTC. The machine's clock may be set at any moment."""

    def monotonic_s(self) -> float:
        """Returns seconds on a clock that nobody sets: what lasts is measured with it."""


class SystemClock:
    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC)

    def monotonic_s(self) -> float:
        return time.monotonic()
