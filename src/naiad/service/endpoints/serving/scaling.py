"""How many instances a variant is to have: a decision by what was seen lately, with no clock and no process of its own.

Up when calls wait, or when the replicas are busy nearly all the time: quickly, since somebody waits. Down when fewer would have
done for a whole minute: slowly, since a start costs seconds. To none when that is allowed and nobody has asked for long.
"""

from collections import deque
from dataclasses import dataclass, field

_UP_SPAN_S = 3.0
_UP_BUSY = 0.85
_DOWN_SPAN_S = 60.0
_DOWN_BUSY = 0.6
"""Of those that would be left."""


@dataclass(frozen=True)
class Bounds:
    least: int
    most: int
    idle_s: float = 300.0
    """With ``least`` 0: after so long without a call the last one goes."""

    @property
    def is_fixed(self) -> bool:
        return self.least == self.most


@dataclass(frozen=True)
class Sample:
    """One look at the variant."""

    at: float
    busy: float
    """How many instances' worth of time was spent on calls since the look before: 0 … instances."""
    waiting: int


@dataclass
class Scaler:
    bounds: Bounds
    _samples: deque[Sample] = field(default_factory=deque)

    def decide(self, sample: Sample, *, instances: int, last_asked_at: float) -> int:
        """How many there are to be; ``instances`` are wanted now."""
        self._samples.append(sample)
        while self._samples[0].at < sample.at - _DOWN_SPAN_S:
            self._samples.popleft()
        count = instances
        if self._is_short(sample, instances):
            count = instances + max(1, instances // 2)
            self._samples.clear()
        elif self._has_spare(sample, instances):
            count = instances - 1
            self._samples.clear()
        floor = self.bounds.least
        if floor == 0 and (count > 0 and sample.at - last_asked_at < self.bounds.idle_s):
            floor = 1
        if floor == 0 and instances > 0 and sample.at - last_asked_at >= self.bounds.idle_s and not sample.waiting:
            return 0
        return min(max(count, floor), self.bounds.most) if instances else 0

    def _is_short(self, sample: Sample, instances: int) -> bool:
        lately = [one for one in self._samples if one.at > sample.at - _UP_SPAN_S]
        if not instances or len(lately) < 2:
            return False
        always_waiting = all(one.waiting for one in lately)
        return always_waiting or sum(one.busy for one in lately) / len(lately) > _UP_BUSY * instances

    def _has_spare(self, sample: Sample, instances: int) -> bool:
        """Seen for the whole span, not only since a moment ago."""
        if instances <= 1 or self._samples[0].at > sample.at - _DOWN_SPAN_S + 2 * _UP_SPAN_S:
            return False
        return all(one.busy <= _DOWN_BUSY * (instances - 1) and not one.waiting for one in self._samples)
