"""How often endpoints were asked, how it went, and how long it took: by minute for CloudWatch, in all for Prometheus.

One writer, the loop's thread; readers of other threads take copies.
"""

import math
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

_KEPT_MINUTES = 24 * 60
EDGES_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Of the histogram; what takes longer is in the last one."""
_STEP = math.log(1.02)
_SHORTEST_S = 1e-6


@dataclass
class Spread:
    """Of latencies, in seconds."""

    count: int = 0
    total: float = 0.0
    lowest: float = float("inf")
    highest: float = 0.0
    steps: Counter[int] = field(default_factory=Counter)
    """How many by the logarithm of the value, in steps of 2 %: for percentiles."""

    def add(self, value: float) -> None:
        self.count += 1
        self.total += value
        self.lowest = min(self.lowest, value)
        self.highest = max(self.highest, value)
        self.steps[round(math.log(max(value, _SHORTEST_S)) / _STEP)] += 1

    def values(self) -> Counter[float]:
        """How many by value, each within 1 % of what was added."""
        found = Counter[float]()
        for step, count in dict(self.steps).items():  # a copy, since its writer is another thread
            found[min(max(math.exp(step * _STEP), self.lowest), self.highest)] += count
        return found


@dataclass
class Minute:
    invocations: int = 0
    errors_4xx: int = 0
    errors_5xx: int = 0
    model_s: Spread = field(default_factory=Spread)
    overhead_s: Spread = field(default_factory=Spread)


@dataclass
class Total:
    """Since the server's start."""

    by_status: dict[int, int] = field(default_factory=dict)
    buckets: list[int] = field(default_factory=lambda: [0] * (len(EDGES_S) + 1))
    total_s: float = 0.0


@dataclass
class Meter:
    now_s: Callable[[], float] = time.time
    """Seconds since 1970."""
    minutes: dict[tuple[str, str], dict[int, Minute]] = field(default_factory=dict)
    """By (endpoint, variant), then by the minute since 1970."""
    totals: dict[tuple[str, str], Total] = field(default_factory=dict)

    def count_refused(self, endpoint: str, variant: str, status: int) -> None:
        """What no replica has seen: it has no latencies."""
        self._count(endpoint, variant, status)

    def count(self, endpoint: str, variant: str, status: int, *, model_s: float, overhead_s: float) -> None:
        minute, total = self._count(endpoint, variant, status)
        minute.model_s.add(model_s)
        minute.overhead_s.add(overhead_s)
        total.buckets[bisect_left(EDGES_S, model_s + overhead_s)] += 1
        total.total_s += model_s + overhead_s

    def _count(self, endpoint: str, variant: str, status: int) -> tuple[Minute, Total]:
        key = (endpoint, variant)
        minute = self._minute(key)
        minute.invocations += 1
        if status >= 500 or status == 424:  # what the model itself failed at, it said with a 5xx
            minute.errors_5xx += 1
        elif status >= 400:
            minute.errors_4xx += 1
        total = self.totals[key]
        total.by_status[status] = total.by_status.get(status, 0) + 1
        return minute, total

    def forget(self, endpoint: str) -> None:
        for key in [key for key in self.minutes if key[0] == endpoint]:
            del self.minutes[key]
            del self.totals[key]

    def _minute(self, key: tuple[str, str]) -> Minute:
        number = int(self.now_s() // 60)
        series = self.minutes.get(key)
        if series is None:
            series = self.minutes[key] = {}
            self.totals[key] = Total()
        minute = series.get(number)
        if minute is None:
            minute = series[number] = Minute()
            for old in [one for one in series if one < number - _KEPT_MINUTES]:
                del series[old]
        return minute
