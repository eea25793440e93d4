"""Why a tuning job starts no further trial: its limits, its completion criteria, a stop, and failures. Pure functions."""

from collections.abc import Iterator, Sequence
from enum import Enum

from naiad.service.domain.tuning import Trial, TrialState, TuningStatus
from naiad.service.tuning.ranges import combinations
from naiad.service.tuning.tuning_job import TuningJob, rank

MAX_FAILED_ATTEMPTS = 5
"""A tuning job without success after so many trials fails, as at AWS."""
_NO_LIMIT = float("inf")
_LEAST_GAIN = 0.01
"""Part of the best objective by which a trial must be better to count as an improvement, as at AWS."""
NO_OBJECTIVE = "it has paused without a value of the objective metric"
"""Reason to stop a paused trial that cannot be compared with others."""


class Closing(Enum):
    STOP_REQUESTED = "the tuning job is stopped"
    SEARCH_FAILED = "the search cannot go on"
    NO_SUCCESS = "no trial has succeeded"
    TIME_OVER = "MaxRuntimeInSeconds of the tuning job is over"
    TARGET_REACHED = "TargetObjectiveMetricValue is reached"
    NOT_IMPROVING = "no trial of the last MaxNumberOfTrainingJobsNotImproving was better by 1 %"
    CONVERGED = "the search has converged"
    ALL_STARTED = "all trials that are allowed have started"

    @property
    def keeps_best(self) -> bool:
        """Whether a paused trial that is the best runs to its end, so that it leaves a model."""
        return self in (Closing.TARGET_REACHED, Closing.NOT_IMPROVING, Closing.CONVERGED, Closing.ALL_STARTED)


def find_closing(tuning: TuningJob, trials: Sequence[Trial], *, elapsed_s: float) -> Closing | None:
    """Returns the first reason that holds; None while new trials may start. ``elapsed_s``: since the creation."""
    return next(_closings(tuning, trials, elapsed_s), None)


def not_improving(tuning: TuningJob, trials: Sequence[Trial]) -> int:
    """Returns the number of trials with an objective that have ended since the last one that was better than all before it.

    Better is by 1 % of the best objective before, at least.
    """
    ended = [(trial.ended_at, trial.number, trial) for trial in trials if _is_success(trial) and trial.ended_at]
    ranks = [rank(trial, is_maximized=tuning.is_maximized) for _, _, trial in sorted(ended, key=lambda one: one[:2])]
    best, count = _NO_LIMIT, 0
    for one in ranks:
        is_better = best == _NO_LIMIT or (one < best and best - one >= _LEAST_GAIN * abs(best))
        best, count = min(best, one), 0 if is_better else count + 1
    return count


def open_definitions(tuning: TuningJob, trials: Sequence[Trial]) -> dict[str, int]:
    """Returns the number of trials by name of the definitions that may have further ones."""
    counts = {one.name: sum(trial.definition == one.name for trial in trials) for one in tuning.definitions}
    return {
        name: count
        for name, count in counts.items()
        if name not in tuning.detail.exhausted and count < max_combinations(tuning, name)
    }


def max_combinations(tuning: TuningJob, name: str) -> float:
    """Returns the number of trials that the ranges of a definition allow, which only a grid limits."""
    if tuning.config["Strategy"] != "Grid":
        return _NO_LIMIT
    return combinations(next(one for one in tuning.definitions if one.name == name).dimensions)


def max_trials(tuning: TuningJob) -> float:
    return float(tuning.limits.get("MaxNumberOfTrainingJobs", _NO_LIMIT))


def reaches_target(tuning: TuningJob, trial: Trial) -> bool:
    target = tuning.criteria.get("TargetObjectiveMetricValue")
    if target is None or trial.objective is None:
        return False
    return bool(trial.objective >= target if tuning.is_maximized else trial.objective <= target)


def failures(trials: Sequence[Trial]) -> list[Trial]:
    """Returns the trials that have failed, or have left no objective."""
    return [
        trial
        for trial in trials
        if trial.state is TrialState.FAILED
        or (trial.objective is None and (trial.state is TrialState.COMPLETED or trial.stop_reason == NO_OBJECTIVE))
    ]


def has_only_failed(tuning: TuningJob, trials: Sequence[Trial], *, at_least: int = MAX_FAILED_ATTEMPTS) -> bool:
    has_success = any(trial.objective is not None for trial in trials)
    return not has_success and len(failures(trials)) >= min(at_least, max_trials(tuning))


def _closings(tuning: TuningJob, trials: Sequence[Trial], elapsed_s: float) -> Iterator[Closing]:
    criteria = tuning.criteria
    max_not_improving = criteria.get("BestObjectiveNotImproving", {}).get("MaxNumberOfTrainingJobsNotImproving")
    if tuning.status is TuningStatus.STOPPING:
        yield Closing.STOP_REQUESTED
    if tuning.detail.failure_reason is not None:
        yield Closing.SEARCH_FAILED
    if has_only_failed(tuning, trials):
        yield Closing.NO_SUCCESS
    if elapsed_s > tuning.limits.get("MaxRuntimeInSeconds", _NO_LIMIT):
        yield Closing.TIME_OVER
    if any(_is_success(trial) and reaches_target(tuning, trial) for trial in trials):
        yield Closing.TARGET_REACHED
    if max_not_improving is not None and not_improving(tuning, trials) >= max_not_improving:
        yield Closing.NOT_IMPROVING
    if tuning.detail.converged_at is not None:
        yield Closing.CONVERGED
    if not open_definitions(tuning, trials) or len(trials) >= max_trials(tuning):
        yield Closing.ALL_STARTED


def _is_success(trial: Trial) -> bool:
    return trial.state.is_final and trial.objective is not None
