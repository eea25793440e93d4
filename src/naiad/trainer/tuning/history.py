"""Knowledge of a search: its trials and those of earlier searches, with scores that can be compared.

A trial that waits at a rung has the score of a short training. It is compared by the score that it would have at the end if it
gained what complete trials have gained from there (their median), but never by more than the best complete trial has.

A trial that nearly diverged may have a score of minus a million, beside which all others look alike to a model. A score counts as
no worse than so many times the distance from the best one to the median.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from naiad.trainer.tuning.space import Space
from naiad.trainer.tuning.trial import Direction, Trial, TrialState, Value

_MOST_DISTANCES = 10
"""Distances from the best score to the median, from which on a score counts as no worse."""


@dataclass(frozen=True)
class History:
    trials: tuple[Trial, ...] = ()
    direction: Direction = Direction.MAXIMIZE
    prior: tuple[Trial, ...] = ()
    """Trials of earlier searches; their scores count like the search's own."""

    @property
    def running(self) -> tuple[Trial, ...]:
        return tuple(trial for trial in self.trials if trial.state is TrialState.RUNNING)

    def scored(self, space: Space) -> list[tuple[dict[str, Value], float]]:
        """Returns values and comparable scores of all trials that have ended or wait, the failed ones as the worst.

        Prior trials with values outside of the space are left out, and so are repetitions.
        """
        pairs: list[tuple[dict[str, Value], float]] = []
        for trials in (self.prior, self.trials):
            scores = comparable_scores(trials, self.direction)
            for trial in trials:
                values = space.read_values(trial.values) if trial.repeat_of is None else None
                if values is not None and trial.number in scores:
                    pairs.append((values, scores[trial.number]))
        return pairs

    def with_running(self, number: int, values: Mapping[str, Value]) -> "History":
        return replace(self, trials=(*self.trials, Trial(number, dict(values))))


def comparable_scores(trials: Sequence[Trial], direction: Direction) -> dict[int, float]:
    """Returns a score by number for each trial that has ended or waits; none where no trial has a score."""
    complete = [trial for trial in trials if trial.state is TrialState.COMPLETE and trial.objective is not None]
    scores = {trial.number: trial.objective for trial in complete if trial.objective is not None}
    for trial in trials:
        if trial.state in (TrialState.PAUSED, TrialState.STOPPED) and trial.score is not None:
            scores[trial.number] = _score_at_end(trial, complete, direction)
    scores = _without_outliers(scores, direction)
    if scores:
        worst = min(scores.values()) if direction is Direction.MAXIMIZE else max(scores.values())
        scores |= {trial.number: worst for trial in trials if trial.state is TrialState.FAILED}
    return scores


def _without_outliers(scores: Mapping[int, float], direction: Direction) -> dict[int, float]:
    if len(scores) < 2:
        return dict(scores)
    best, median = direction.best(scores.values()), statistics.median(scores.values())
    limit = best + _MOST_DISTANCES * (median - best)
    return {
        number: limit if limit != best and direction.is_better(limit, score) else score
        for number, score in scores.items()
    }


def _score_at_end(trial: Trial, complete: Sequence[Trial], direction: Direction) -> float:
    assert trial.score is not None
    pairs = [(other.objective, other.score_at(trial.epoch)) for other in complete]
    gains = [end - then for end, then in pairs if end is not None and then is not None]
    if not trial.curve or not gains:
        return trial.score
    expected = trial.curve[-1][1] + statistics.median(gains)
    best = direction.best(end for end, _ in pairs if end is not None)
    return best if direction.is_better(expected, best) else expected
