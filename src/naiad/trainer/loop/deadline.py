"""The end of a run with a time limit: its schedule is adjusted to the measured time of a step, so that it ends in time."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from naiad.trainer.plan.schedule_adjustments import AdjustedSchedule


@dataclass
class Deadline:
    """The time at which the loop must end, and the step times that its schedule is adjusted to."""

    ends_at: float
    """The time on ``clock`` by which the loop is done, its last validation included."""
    last_validation_s: float
    """Expected duration of the last validation; each epoch's validation corrects it."""
    may_add_steps: bool = True
    """False where the user set the number of epochs: then the schedule may only be shortened."""
    step_s: float | None = None
    """Expected duration of a step, from which ``ends_at`` and ``last_validation_s`` follow; None where they are fixed."""
    scoring_steps: float = 0.0
    """Duration of the scoring between ``ends_at`` and the end of the run, in steps."""
    clock: Callable[[], float] = time.perf_counter
    _window_start: tuple[float, int] | None = None
    """Time and step since which the duration of a step is measured."""
    _window_end: int = 0
    """The step at which the schedule is adjusted next."""

    @property
    def has_passed(self) -> bool:
        return self.clock() >= self.ends_at - self.last_validation_s

    def adjust(self, schedule: AdjustedSchedule, step: int) -> None:
        """Adjusts the schedule where steps take longer or shorter than expected. Reads the clock a few dozen times a run."""
        if self._window_start is None or step < self._window_start[1]:  # the run has rolled back to a checkpoint
            self._window_start, self._window_end = (self.clock(), step), step + _window(schedule.steps_left(step))
        if step < self._window_end:
            return
        now = self.clock()
        started_at, first_step = self._window_start
        step_s = (now - started_at) / (step - first_step)
        self._correct_step_time(step_s)
        steps_left = (self.ends_at - self.last_validation_s - now) / step_s
        if self.may_add_steps or steps_left < schedule.steps_left(step):
            schedule.adjust(step, steps_left=steps_left)
        self._window_start, self._window_end = (now, step), step + _window(schedule.steps_left(step))

    def _correct_step_time(self, step_s: float) -> None:
        if self.step_s is not None:
            self.ends_at += self.scoring_steps * (self.step_s - step_s)
            self.last_validation_s *= step_s / self.step_s
            self.step_s = step_s


def _window(steps_left: float) -> int:
    """Steps until the next adjustment."""
    return max(8, round(steps_left / 10))
