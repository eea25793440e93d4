"""Where a run is on its schedule, when the time decides how many steps there are.

A schedule is written for ``plan.total_steps`` steps. Without a time limit step n of the run is step n of the schedule. With one,
the run is asked now and then how fast it is, and from there on walks the rest of the schedule at the pace that ends in time. Each
such turn is a ``Turn``; with the turns recorded, the same run can be walked again without a clock.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Turn:
    """From ``step`` on, where the schedule is at ``position``, every step goes ``stride`` steps of the schedule."""

    step: int
    position: float
    stride: float


@dataclass
class Pace:
    total: int
    """Steps of the schedule."""
    turns: list[Turn] = field(default_factory=list)

    def position(self, step: int) -> float:
        """Of the run's ``step`` on the schedule, in steps of the schedule."""
        turn = next((turn for turn in reversed(self.turns) if turn.step <= step), None)
        return float(step) if turn is None else turn.position + (step - turn.step) * turn.stride

    def finished(self, step: int) -> bool:
        return self.position(step) >= self.total - 1e-6

    def end(self, step: int) -> None:
        """The run ended here: where it was cut short, that is a turn, too."""
        if not self.finished(step):
            self.turns.append(Turn(step, float(self.total), 1.0))

    def left(self, step: int) -> float:
        """Steps of the run until the schedule's end."""
        stride = self.turns[-1].stride if self.turns else 1.0
        return max(0.0, self.total - self.position(step)) / stride

    def fit(self, step: int, *, steps_left: float, tolerance: float = 0.03) -> bool:
        """Turns so that the schedule ends ``steps_left`` steps from ``step``; False where it nearly does already."""
        coming = self.left(step)
        if coming <= 0 or steps_left <= 0 or abs(steps_left - coming) <= tolerance * coming:
            return False
        position = self.position(step)
        self.turns.append(Turn(step, position, (self.total - position) / max(1.0, steps_left)))
        return True
