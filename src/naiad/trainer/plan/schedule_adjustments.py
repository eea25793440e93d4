"""The position of a run on its schedule, where a time limit and not the plan decides how many steps there are.

A schedule is written for ``plan.total_steps`` steps. Without a time limit, step n of the run is step n of the schedule. With one,
the loop measures now and then how fast the run is, and goes through the rest of the schedule in larger or smaller strides, so
that the schedule ends when the time does. The adjustments are recorded; with them, the same run can be repeated without a clock.
"""

from dataclasses import dataclass, field

_TOLERANCE = 0.03
"""Fraction of the remaining steps by which their number must change to be worth an adjustment."""


@dataclass(frozen=True)
class ScheduleAdjustment:
    """A new stride: from ``step`` of the run on, at ``position`` of the schedule, each step advances it by ``stride``."""

    step: int
    position: float
    stride: float


@dataclass
class AdjustedSchedule:
    """A schedule of ``total_steps`` steps, and its adjustments so far."""

    total_steps: int
    adjustments: list[ScheduleAdjustment] = field(default_factory=list)

    def position(self, step: int) -> float:
        """The position on the schedule, in its steps, of the run's ``step``."""
        latest = next((one for one in reversed(self.adjustments) if one.step <= step), None)
        return float(step) if latest is None else latest.position + (step - latest.step) * latest.stride

    def is_finished(self, step: int) -> bool:
        return self.position(step) >= self.total_steps - 1e-6

    def end_at(self, step: int) -> None:
        """Records that the run ended at ``step``: where it was cut short, the schedule jumps to its end."""
        if not self.is_finished(step):
            self.adjustments.append(ScheduleAdjustment(step, float(self.total_steps), 1.0))

    def steps_left(self, step: int) -> float:
        """Steps of the run until the schedule's end."""
        stride = self.adjustments[-1].stride if self.adjustments else 1.0
        return max(0.0, self.total_steps - self.position(step)) / stride

    def adjust(self, step: int, *, steps_left: float) -> bool:
        """Makes the schedule end ``steps_left`` steps from ``step``; False where it nearly does already."""
        expected = self.steps_left(step)
        if expected <= 0 or steps_left <= 0 or abs(steps_left - expected) <= _TOLERANCE * expected:
            return False
        position = self.position(step)
        stride = (self.total_steps - position) / max(1.0, steps_left)
        self.adjustments.append(ScheduleAdjustment(step, position, stride))
        return True
