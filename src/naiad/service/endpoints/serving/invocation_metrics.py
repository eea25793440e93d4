"""Metrics of invocations: counts, statuses and latencies, by minute for CloudWatch and in total for Prometheus.

One thread writes, the loop's; readers in other threads take copies.
"""

import math
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

_RETENTION_MINUTES = 24 * 60
BUCKET_EDGES_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper edges of the histogram's buckets; one more bucket takes what is longer."""
_LOG_STEP = math.log(1.02)
_MIN_LATENCY_S = 1e-6


@dataclass
class LatencyDistribution:
    """Latencies in seconds."""

    count: int = 0
    total: float = 0.0
    lowest: float = float("inf")
    highest: float = 0.0
    log_buckets: Counter[int] = field(default_factory=Counter)
    """Counts by the logarithm of the value, in steps of 2 %: for percentiles."""

    def add(self, value: float, count: int = 1) -> None:
        self.count += count
        self.total += value * count
        self.lowest = min(self.lowest, value)
        self.highest = max(self.highest, value)
        self.log_buckets[round(math.log(max(value, _MIN_LATENCY_S)) / _LOG_STEP)] += count

    def counts_by_value(self) -> Counter[float]:
        """Returns counts by value, each within 1 % of what was added."""
        counts = Counter[float]()
        for bucket, count in dict(self.log_buckets).items():  # a copy, since its writer is another thread
            counts[min(max(math.exp(bucket * _LOG_STEP), self.lowest), self.highest)] += count
        return counts


@dataclass
class MinuteMetrics:
    invocations: int = 0
    errors_4xx: int = 0
    errors_5xx: int = 0
    model_s: LatencyDistribution = field(default_factory=LatencyDistribution)
    overhead_s: LatencyDistribution = field(default_factory=LatencyDistribution)


@dataclass
class TotalMetrics:
    """Metrics since the server's start."""

    by_status: dict[int, int] = field(default_factory=dict)
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BUCKET_EDGES_S) + 1))
    total_s: float = 0.0


@dataclass
class InvocationMetrics:
    now_s: Callable[[], float] = time.time
    """Seconds since 1970."""
    minutes: dict[tuple[str, str], dict[int, MinuteMetrics]] = field(default_factory=dict)
    """Metrics by (endpoint, variant), then by the minute since 1970."""
    totals: dict[tuple[str, str], TotalMetrics] = field(default_factory=dict)

    def record_refusal(self, endpoint: str, variant: str, status: int) -> None:
        """Counts an invocation that no replica has seen: it has no latencies."""
        self._count(endpoint, variant, status)

    def record(
        self, endpoint: str, variant: str, status: int, *, model_s: float, overhead_s: float, count: int = 1
    ) -> None:
        """``count``: invocations with these latencies."""
        minute, total = self._count(endpoint, variant, status, count)
        minute.model_s.add(model_s, count)
        minute.overhead_s.add(overhead_s, count)
        total.buckets[bisect_left(BUCKET_EDGES_S, model_s + overhead_s)] += count
        total.total_s += (model_s + overhead_s) * count

    def _count(self, endpoint: str, variant: str, status: int, count: int = 1) -> tuple[MinuteMetrics, TotalMetrics]:
        key = (endpoint, variant)
        minute = self._minute(key)
        minute.invocations += count
        if status >= 500 or status == 424:  # AWS counts a failure of the model as a 5xx
            minute.errors_5xx += count
        elif status >= 400:
            minute.errors_4xx += count
        total = self.totals[key]
        total.by_status[status] = total.by_status.get(status, 0) + count
        return minute, total

    def remove_endpoint(self, endpoint: str) -> None:
        for key in [key for key in self.minutes if key[0] == endpoint]:
            del self.minutes[key]
            del self.totals[key]

    def _minute(self, key: tuple[str, str]) -> MinuteMetrics:
        number = int(self.now_s() // 60)
        series = self.minutes.get(key)
        if series is None:
            series = self.minutes[key] = {}
            self.totals[key] = TotalMetrics()
        minute = series.get(number)
        if minute is None:
            minute = series[number] = MinuteMetrics()
            for old in [one for one in series if one < number - _RETENTION_MINUTES]:
                del series[old]
        return minute
