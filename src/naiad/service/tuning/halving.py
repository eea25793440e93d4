"""Asynchronous successive halving: trials are compared at rungs of epochs, and the best third of each rung goes on.

Pure functions. A program that can pause is paused at each rung, and resumed when it is among the best of the rung. A program that
cannot is stopped when it is not among the best of the last rung that it has reached. The source is Li et al. 2018, "A System for
Massively Parallel Hyperparameter Tuning", arXiv 1810.05934.
"""

from collections.abc import Sequence

from naiad.service.domain.tuning import Trial, TrialState

REDUCTION = 3
"""One of so many trials goes on from each rung; the value of the paper."""
UNKNOWN_RUNGS = (1, 3, 9, 27, 81)
"""The rungs of trials whose number of epochs is not known: a program passes those that it does not reach."""
_MAX_RUNGS = 3


def rung_epochs(last: int, *, first: int = 1) -> tuple[int, ...]:
    """Returns the epochs of the rungs, none before ``first``: a third of ``last``, the epochs of a whole trial, a ninth, …"""
    epochs: list[int] = []
    rung = last
    while len(epochs) < _MAX_RUNGS:
        below = -(-rung // REDUCTION)
        if below >= rung or below < first:
            break
        epochs.append(below)
        rung = below
    return tuple(reversed(epochs)) or ((first,) if first < last else ())


def promotable(trials: Sequence[Trial], *, is_maximized: bool) -> list[Trial]:
    """Returns the paused trials that may go on, those of the highest rung first, and the best first in each."""
    rungs = sorted({epoch for trial in trials for epoch in trial.rungs}, reverse=True)
    return [
        trial
        for epoch in rungs
        for trial in _best(trials, epoch, is_maximized=is_maximized)
        if trial.state is TrialState.PAUSED and max(trial.rungs) == epoch
    ]


def is_beaten(trial: Trial, trials: Sequence[Trial], *, is_maximized: bool) -> bool:
    """Whether a trial that cannot pause is to be stopped: at its last rung it is not among the best third.

    The first ones of a rung go on: there is nothing to compare them with.
    """
    if not trial.rungs:
        return False
    epoch = max(trial.rungs)
    best = _best(trials, epoch, is_maximized=is_maximized, at_least=1)
    entrants = sum(epoch in one.rungs for one in trials)
    return entrants >= REDUCTION and trial.number not in {one.number for one in best}


def _best(trials: Sequence[Trial], epoch: int, *, is_maximized: bool, at_least: int = 0) -> list[Trial]:
    """Returns the best third of the trials that have reached the rung; of equal ones the earlier is better."""
    sign = -1 if is_maximized else 1
    entrants = sorted(
        (trial for trial in trials if epoch in trial.rungs), key=lambda one: (sign * one.rungs[epoch], one.number)
    )
    return entrants[: max(at_least, len(entrants) // REDUCTION)]
