"""Decides what a tuning job does next, from its trials: a pure function.

While it is open, paused trials that are among the best of their rung go on, and the other free places get new trials. When it
closes, no new trial starts. Where all trials have started, the running ones end by themselves; for any other reason they are
stopped. At the end the best trial is one that has completed, and so has a model: a paused one that is better goes on first, where
the time is not over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from naiad.service.domain.tuning import Trial, TrialState, TuningStatus
from naiad.service.tuning.closing import (
    NO_OBJECTIVE,
    Closing,
    failures,
    find_closing,
    has_only_failed,
    max_combinations,
    max_trials,
    open_definitions,
    reaches_target,
)
from naiad.service.tuning.halving import is_beaten, promotable
from naiad.service.tuning.tuning_job import TuningJob, best_trial, rank

_MAX_REASON = 1024
_WITH_PLACE = (TrialState.PLANNED, TrialState.ACTIVE)
_NOT_PROMOTED = "others were better at the same epoch"


@dataclass(frozen=True)
class Decision:
    stop: Mapping[int, str] = field(default_factory=dict)
    """Reason by number of the trials whose jobs are to be stopped."""
    resume: Mapping[int, str] = field(default_factory=dict)
    """Message by number of the paused trials that go on."""
    wanted: Mapping[str, int] = field(default_factory=dict)
    """Number of new trials by definition."""
    end: TuningStatus | None = None
    """The final status, when all trials have ended."""
    failure_reason: str | None = None


def decide(tuning: TuningJob, trials: Sequence[Trial], *, elapsed_s: float) -> Decision:
    """``trials``: those of the tuning job as their jobs are now, without those of parents. ``elapsed_s``: since its creation."""
    closing = find_closing(tuning, trials, elapsed_s=elapsed_s)
    if closing is None:
        return _decide_open(tuning, trials)
    unfinished = [trial for trial in trials if trial.state.is_unfinished]
    if not unfinished:
        return _end(tuning, trials, closing)
    if closing is Closing.ALL_STARTED:
        return _decide_all_started(tuning, trials)
    kept = _unfinished_best(tuning, trials) if closing.keeps_best else None
    stop = {trial.number: closing.value for trial in unfinished if trial is not kept}
    return Decision(stop=stop, resume=_resume_best(kept))


def _decide_open(tuning: TuningJob, trials: Sequence[Trial]) -> Decision:
    free = tuning.limits["MaxParallelTrainingJobs"] - sum(trial.state in _WITH_PLACE for trial in trials)
    promoted = _promotable(tuning, trials)[: max(0, free)]
    wanted: dict[str, int] = {}
    counts = open_definitions(tuning, trials)
    for _ in range(int(min(free - len(promoted), max_trials(tuning) - len(trials)))):
        names = [name for name, count in counts.items() if count < max_combinations(tuning, name)]
        if names:
            name = min(names, key=counts.__getitem__)
            counts[name] += 1
            wanted[name] = wanted.get(name, 0) + 1
    return Decision(stop=_outrun(tuning, trials), resume=_resume_messages(promoted), wanted=wanted)


def _decide_all_started(tuning: TuningJob, trials: Sequence[Trial]) -> Decision:
    active = sum(trial.state in _WITH_PLACE for trial in trials)
    free = tuning.limits["MaxParallelTrainingJobs"] - active
    promoted = _promotable(tuning, trials)[: max(0, free)]
    if promoted or active:
        return Decision(stop=_outrun(tuning, trials), resume=_resume_messages(promoted))
    best = _unfinished_best(tuning, trials)
    if best is not None:
        return Decision(resume=_resume_best(best))
    return Decision(stop={trial.number: _NOT_PROMOTED for trial in trials if trial.state is TrialState.PAUSED})


def _end(tuning: TuningJob, trials: Sequence[Trial], closing: Closing) -> Decision:
    if closing is Closing.STOP_REQUESTED:
        return Decision(end=TuningStatus.STOPPED)
    if closing is Closing.SEARCH_FAILED:
        return Decision(end=TuningStatus.FAILED, failure_reason=tuning.detail.failure_reason)
    if closing is Closing.NO_SUCCESS or has_only_failed(tuning, trials, at_least=1):
        return Decision(end=TuningStatus.FAILED, failure_reason=_no_success_reason(tuning, trials))
    return Decision(end=TuningStatus.COMPLETED)


def _promotable(tuning: TuningJob, trials: Sequence[Trial]) -> list[Trial]:
    """Returns the paused trials that may go on, those that have reached the target first."""
    found: list[Trial] = []
    for definition in tuning.definitions:
        own = [trial for trial in trials if trial.definition == definition.name] if definition.pauses else []
        reached = [one for one in own if one.state is TrialState.PAUSED and reaches_target(tuning, one)]
        best = promotable(own, is_maximized=definition.is_maximized)
        found += [*reached, *(trial for trial in best if trial not in reached)]
    return found


def _outrun(tuning: TuningJob, trials: Sequence[Trial]) -> dict[int, str]:
    """Returns reasons by number of the trials that need not go on.

    They have paused without an objective; or they cannot pause, and others have beaten them, or they have run for MaxResource.
    """
    stop = {one.number: NO_OBJECTIVE for one in trials if one.state is TrialState.PAUSED and one.objective is None}
    for definition in tuning.definitions:
        own = [trial for trial in trials if trial.definition == definition.name]
        if not definition.is_halved or definition.pauses:
            continue
        for trial in own:
            if trial.state is not TrialState.ACTIVE or not trial.rungs:
                continue
            if max(trial.rungs) == definition.excess_epoch:
                stop[trial.number] = "it has run for MaxResource epochs"
            elif is_beaten(trial, own, is_maximized=definition.is_maximized):
                stop[trial.number] = f"others were better at epoch {max(trial.rungs)}"
    return stop


def _unfinished_best(tuning: TuningJob, trials: Sequence[Trial]) -> Trial | None:
    """Returns the paused trial, or the one that has been resumed, that is better than all that have completed."""
    paused = [
        one
        for one in trials
        if one.state.is_unfinished and one.rungs and one.objective is not None and not one.stop_reason
    ]
    candidates = [one for one in paused if tuning.definition_of(one).pauses]
    best = min(candidates, key=lambda one: (rank(one, is_maximized=tuning.is_maximized), one.number), default=None)
    completed = [one for one in trials if one.state is TrialState.COMPLETED]
    best_completed = best_trial(completed, is_maximized=tuning.is_maximized)
    if best is None or best_completed is None:
        return best
    ranks = [rank(one, is_maximized=tuning.is_maximized) for one in (best, best_completed)]
    return best if ranks[0] < ranks[1] else None


def _resume_messages(trials: Sequence[Trial]) -> dict[int, str]:
    return {trial.number: f"promoted: among the best at epoch {max(trial.rungs)}" for trial in trials}


def _resume_best(trial: Trial | None) -> dict[int, str]:
    if trial is None or trial.state is not TrialState.PAUSED:
        return {}
    return {trial.number: "promoted: the best of all trials runs to its end"}


def _no_success_reason(tuning: TuningJob, trials: Sequence[Trial]) -> str:
    failed = failures(trials)
    metric = tuning.definition_of(failed[0]).metric
    what = failed[0].failure_reason or f"its log has no value of the objective metric {metric!r}"
    text = (
        f"No training job succeeded after {len(failed)} attempts. Please take a look at the training job failures to get more "
        f"details. {failed[0].name}: {what}"
    )
    return text[:_MAX_REASON]
