"""Rate of responses over the last seconds."""

from dataclasses import dataclass, field

_WINDOW_S = 5.0
_STEP_S = 0.25


@dataclass
class RequestRate:
    """Counts responses in steps of a quarter of a second and keeps the last five seconds."""

    _count_by_step: dict[int, int] = field(default_factory=dict)
    _first_at: float | None = None

    @property
    def is_known(self) -> bool:
        return self._first_at is not None

    def record(self, now: float) -> None:
        """Counts one response."""
        if self._first_at is None:
            self._first_at = now
        step = int(now / _STEP_S)
        if step in self._count_by_step:
            self._count_by_step[step] += 1
            return
        self._count_by_step[step] = 1
        for old in [one for one in self._count_by_step if one < step - _WINDOW_S / _STEP_S]:
            del self._count_by_step[old]

    def per_second(self, now: float) -> float:
        """Returns the mean over the steps of the last five seconds that had a response: idle time does not count as slowness."""
        if self._first_at is None:
            return 0.0
        oldest = int(now / _STEP_S) - int(_WINDOW_S / _STEP_S)
        counts = [count for step, count in self._count_by_step.items() if step >= oldest]
        return sum(counts) / (len(counts) * _STEP_S) if counts else 0.0
