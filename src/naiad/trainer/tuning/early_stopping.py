"""Early stopping by the median rule, as SageMaker documents it for the ``TrainingJobEarlyStoppingType`` Auto of a tuning job.

After each epoch: the running average of the objective of each earlier trial up to the same epoch is computed. A trial whose
objective is worse than the median of these averages is stopped. (Golovin et al., "Google Vizier", KDD 2017, section 3.2.1.)
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from naiad.errors import OptionError
from naiad.trainer.tuning.trial import Direction, Trial, TrialState

LEAST_TRIALS = 5
"""Complete trials before which none is stopped: a median of fewer says little."""
LEAST_EPOCH = 2
"""The first epoch after which a trial may be stopped."""


@dataclass(frozen=True)
class StopDecision:
    is_stop: bool
    reason: str


def median_rule(trials: Sequence[Trial], number: int, direction: Direction) -> StopDecision:
    """Decides about the trial ``number`` after its last epoch. Raises OptionError where there is no such trial."""
    trial = next((one for one in trials if one.number == number), None)
    if trial is None:
        raise OptionError(f"there is no trial {number}")
    if not trial.curve or trial.epoch < LEAST_EPOCH:
        return StopDecision(is_stop=False, reason=f"no trial is stopped before epoch {LEAST_EPOCH}")
    earlier = [one for one in trials if one.number != number and one.state is TrialState.COMPLETE]
    averages = [mean for one in earlier if (mean := _running_average(one, trial.epoch)) is not None]
    if len(averages) < LEAST_TRIALS:
        text = f"{len(averages)} complete trials are too few to compare with"
        return StopDecision(is_stop=False, reason=text)
    median, score = statistics.median(averages), trial.curve[-1][1]
    comparison = f"{score:.6g} after epoch {trial.epoch}, median of {len(averages)} running averages {median:.6g}"
    return StopDecision(direction.is_better(median, score), comparison)


def _running_average(trial: Trial, epoch: int) -> float | None:
    scores = [score for at, score in trial.curve if at <= epoch]
    return statistics.fmean(scores) if scores else None
