"""What every choice measures with: a bench, a budget, what memory holds, and how long a step takes as the plan stands."""

from dataclasses import dataclass, field

from naiad.trainer.autoscale.bench import Bench
from naiad.trainer.autoscale.budget import Budget
from naiad.trainer.autoscale.microbatch_size import BOUNDLESS, Room


@dataclass
class Measuring:
    bench: Bench
    budget: Budget
    step_s: float
    """Seconds of a step of the plan as it was when last timed."""

    pinned: frozenset[str]
    """Choices that the user made."""
    room: Room = BOUNDLESS
    shorter_rate: float = 1.0
    """The rules' learning rate for a run as short as a range test, in units of theirs for this one."""
    answered: set[str] = field(default_factory=set)
    """Choices that need no more measuring."""
    not_measured: dict[str, str] = field(default_factory=dict)
    """Why, of choices that were to be."""

    def affords_steps(self, steps: float) -> bool:
        return self.budget.affords(steps * self.step_s)
