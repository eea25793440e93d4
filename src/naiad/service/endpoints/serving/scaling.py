"""Scaling: how many instances a variant needs, decided from recent samples of its load. It has no clock and no task of its own.

Up when invocations wait, or when the replicas are busy nearly all the time: quickly, since clients wait. Down when fewer
instances would have done for a whole minute: slowly, since a start costs seconds. To zero when that is allowed and there was no
invocation for long.
"""

from collections import deque
from dataclasses import dataclass, field

_UP_WINDOW_S = 3.0
_UP_BUSY_FRACTION = 0.85
_DOWN_WINDOW_S = 60.0
_DOWN_BUSY_FRACTION = 0.6
"""Fraction of the instances that would remain."""


@dataclass(frozen=True)
class InstanceBounds:
    min_count: int
    max_count: int
    idle_timeout_s: float = 300.0
    """Time without an invocation after which the last instance stops, when the minimum is 0."""

    @property
    def is_fixed(self) -> bool:
        return self.min_count == self.max_count


@dataclass(frozen=True)
class LoadSample:
    at: float
    busy_instances: float
    """Mean number of instances that were busy since the sample before: 0 … instances."""
    queue_length: int


@dataclass
class InstanceScaler:
    bounds: InstanceBounds
    _samples: deque[LoadSample] = field(default_factory=deque)

    def desired_count(self, sample: LoadSample, *, current_count: int, last_invocation_at: float) -> int:
        """Returns how many instances there should be. current_count: what was desired till now."""
        self._samples.append(sample)
        while self._samples[0].at < sample.at - _DOWN_WINDOW_S:
            self._samples.popleft()
        count = current_count
        if self._is_overloaded(sample, current_count):
            count = current_count + max(1, current_count // 2)
            self._samples.clear()
        elif self._has_spare(sample, current_count):
            count = current_count - 1
            self._samples.clear()
        if not current_count:
            return 0
        min_count = self.bounds.min_count
        if min_count == 0:
            is_idle = sample.at - last_invocation_at >= self.bounds.idle_timeout_s
            if is_idle and not sample.queue_length:
                return 0
            if not is_idle and count > 0:
                min_count = 1
        return min(max(count, min_count), self.bounds.max_count)

    def _is_overloaded(self, sample: LoadSample, current_count: int) -> bool:
        recent = [one for one in self._samples if one.at > sample.at - _UP_WINDOW_S]
        if not current_count or len(recent) < 2:
            return False
        always_waiting = all(one.queue_length for one in recent)
        busy = sum(one.busy_instances for one in recent) / len(recent)
        return always_waiting or busy > _UP_BUSY_FRACTION * current_count

    def _has_spare(self, sample: LoadSample, current_count: int) -> bool:
        """Whether one instance fewer would have been enough for the whole window."""
        if current_count <= 1 or self._samples[0].at > sample.at - _DOWN_WINDOW_S + 2 * _UP_WINDOW_S:
            return False
        limit = _DOWN_BUSY_FRACTION * (current_count - 1)
        return all(one.busy_instances <= limit and not one.queue_length for one in self._samples)
