"""Asynchronous successive halving by pause and resume: which waiting trial goes on, and whether another one begins.

ASHA: Li et al., "A System for Massively Parallel Hyperparameter Tuning", arXiv 1810.05934. A trial is paused at each rung, a
number of epochs. It goes on when it is among the best 1 / reduction of those that have reached the rung. It goes on from its
checkpoint, so no epoch is trained twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from naiad.errors import OptionError
from naiad.trainer.tuning.trial import Direction, Trial, TrialState

REDUCTION = 3
MOST_RUNGS = 3
"""Rungs below the end: the first one is then reached in a twenty-seventh of a trial's epochs, or more."""


@dataclass(frozen=True)
class Rungs:
    """Raises OptionError for epochs that do not climb, and for a reduction below 2."""

    epochs: tuple[int, ...] = ()
    """Epochs at which a trial is paused; empty where every trial is trained to its end."""
    reduction: int = REDUCTION

    def __post_init__(self) -> None:
        if any(epoch < 1 for epoch in self.epochs) or sorted(set(self.epochs)) != list(self.epochs):
            raise OptionError(f"rungs are epochs in rising order, given {list(self.epochs)}")
        if self.reduction < 2:
            raise OptionError(f"the reduction must be at least 2, given {self.reduction}")


def make_rungs(epochs: int, *, reduction: int = REDUCTION) -> Rungs:
    """Returns the rungs of trials with so many epochs: each a ``reduction``-th of the next one, rounded up."""
    rungs: list[int] = []
    rung = epochs
    while len(rungs) < MOST_RUNGS:
        rung = -(-rung // reduction)
        if rung >= (rungs[-1] if rungs else epochs):
            break
        rungs.append(rung)
    return Rungs(tuple(reversed(rungs)), reduction)


def promotable(trials: Sequence[Trial], rungs: Rungs, direction: Direction) -> Trial | None:
    """Returns the waiting trial that goes on: the best of the highest rung where one deserves it; None where none does."""
    for rung in reversed(rungs.epochs):
        reached = [(score, trial) for trial in trials if (score := trial.score_at(rung)) is not None]
        ranked = sorted(reached, key=lambda pair: direction.gain(0.0, pair[0]))  # the best first
        for _, trial in ranked[: len(ranked) // rungs.reduction]:
            if trial.state is TrialState.PAUSED and trial.epoch == rung:
                return trial
    return None


def best_waiting(trials: Sequence[Trial], direction: Direction) -> Trial | None:
    """Returns the best trial of the highest rung where one waits, for the end of a search; None where none waits."""
    waiting = [trial for trial in trials if trial.state is TrialState.PAUSED and trial.score is not None]
    if not waiting:
        return None
    highest = max(trial.epoch for trial in waiting)
    return min(
        (trial for trial in waiting if trial.epoch == highest),
        key=lambda trial: direction.gain(0.0, trial.score or 0.0),
    )
