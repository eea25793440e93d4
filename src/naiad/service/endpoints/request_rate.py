"""How many answers a second there were lately."""

from dataclasses import dataclass, field

_SPAN_S = 5.0
_STEP_S = 0.25


@dataclass
class Rate:
    """Counts in steps of a quarter of a second, over the last five."""

    _steps: dict[int, int] = field(default_factory=dict)
    _first_at: float | None = None

    @property
    def is_known(self) -> bool:
        return self._first_at is not None

    def count(self, now: float) -> None:
        if self._first_at is None:
            self._first_at = now
        step = int(now / _STEP_S)
        if step in self._steps:
            self._steps[step] += 1
            return
        self._steps[step] = 1
        for old in [one for one in self._steps if one < step - _SPAN_S / _STEP_S]:
            del self._steps[old]

    def per_s(self, now: float) -> float:
        """Over the last five seconds, or since the first answer where that is less; an idle time does not count as slowness."""
        if self._first_at is None:
            return 0.0
        oldest = int(now / _STEP_S) - int(_SPAN_S / _STEP_S)
        busy = [count for step, count in self._steps.items() if step >= oldest]
        return sum(busy) / (len(busy) * _STEP_S) if busy else 0.0
