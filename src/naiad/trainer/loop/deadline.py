"""When a run with a time limit is to end, and how it gets there: the schedule is gone through at the speed that ends in time."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from naiad.trainer.plan.schedule_adjustments import AdjustedSchedule


@dataclass
class Deadline:
    """When a run with a time limit is to end, and how fast it has been, so that its schedule ends then too."""

    at: float
    """On ``clock``: the loop is done, its last validation included."""
    closing_s: float
    """What the last validation takes; corrected at every epoch's end."""
    may_add_steps: bool = True
    """False where the number of epochs is the user's: then the schedule is shortened only."""
    step_s: float | None = None
    """What a step is thought to take; ``at`` and ``closing_s`` are reckoned from it, and move when steps take other times."""
    scored_steps: float = 0.0
    """What is scored between ``at`` and the very end, in units of a step's time."""
    clock: Callable[[], float] = time.perf_counter
    _since: tuple[float, int] | None = None
    _next: int = 0

    @property
    def passed(self) -> bool:
        return self.clock() >= self.at - self.closing_s

    def keep(self, schedule: AdjustedSchedule, step: int) -> None:
        """Adjusts the schedule where steps take other times than expected. Looks at the clock a few dozen times a run."""
        if self._since is None or step < self._since[1]:  # or the run went back to a checkpoint
            self._since, self._next = (self.clock(), step), step + _window(schedule.steps_left(step))
        if step < self._next:
            return
        now = self.clock()
        begun, first = self._since
        step_s = (now - begun) / (step - first)
        self._reckon(step_s)
        steps_left = (self.at - self.closing_s - now) / step_s
        if self.may_add_steps or steps_left < schedule.steps_left(step):
            schedule.adjust(step, steps_left=steps_left)
        self._since, self._next = (now, step), step + _window(schedule.steps_left(step))

    def _reckon(self, step_s: float) -> None:
        if self.step_s is not None:
            self.at += self.scored_steps * (self.step_s - step_s)
            self.closing_s *= step_s / self.step_s
            self.step_s = step_s


def _window(steps_left: float) -> int:
    return max(8, round(steps_left / 10))
