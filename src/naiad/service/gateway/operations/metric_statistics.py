"""CloudWatch's statistics of the values of a period."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from naiad.service.domain.errors import Invalid

_STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
_PERCENTILE = re.compile(r"p\d{1,3}(\.\d{1,10})?")


@dataclass(frozen=True)
class ValueSummary:
    """Several values of one metric, or a single one."""

    count: int
    total: float
    lowest: float
    highest: float
    counts: Mapping[float, int]
    """Number of occurrences by value, for percentiles."""

    @classmethod
    def of(cls, value: float) -> "ValueSummary":
        return cls(1, value, value, value, {value: 1})


@dataclass
class PeriodStatistics:
    """Statistics of one period, over all summaries that were added."""

    count: int = 0
    total: float = 0.0
    lowest: float = float("inf")
    highest: float = float("-inf")
    counts: Counter[float] = field(default_factory=Counter)

    def add(self, summary: ValueSummary) -> None:
        self.count += summary.count
        self.total += summary.total
        self.lowest = min(self.lowest, summary.lowest)
        self.highest = max(self.highest, summary.highest)
        self.counts.update(summary.counts)

    def statistic(self, name: str) -> float:
        """``name``: one of CloudWatch's, or a percentile like p99.9; checked before."""
        if name not in _STATISTICS:
            return self._percentile(float(name[1:]))
        values = (float(self.count), self.total / self.count, self.total, self.lowest, self.highest)
        return values[_STATISTICS.index(name)]

    def _percentile(self, percent: float) -> float:
        """Returns the smallest value that at least ``percent`` of the values do not exceed."""
        rank, count_so_far = percent / 100 * self.counts.total(), 0
        for value, count in sorted(self.counts.items()):
            count_so_far += count
            if count_so_far >= rank and count:
                return value
        return self.highest


def check_statistic(name: str) -> None:
    """Raises Invalid for a name that is neither a statistic nor a percentile."""
    if name not in _STATISTICS:
        check_percentile(name)


def check_percentile(name: str) -> None:
    """Raises Invalid."""
    if not _PERCENTILE.fullmatch(name) or float(name[1:]) > 100:
        raise Invalid(f"the statistic is {name!r}; {', '.join(_STATISTICS)} are served, and percentiles: p0 to p100")
