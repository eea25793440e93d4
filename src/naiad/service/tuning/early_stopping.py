"""Questions to the search while trials run: whether one is to be stopped early, and whether it has converged.

Each question is asked once: of a trial when its curve has grown, of convergence when another trial has ended.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field

from naiad.service.domain.tuning import Trial, TrialState
from naiad.service.tuning.curves import Curves
from naiad.service.tuning.definitions import TuningDefinition
from naiad.service.tuning.tuning_job import TuningJob, TuningKey

_MIN_ENDED = 5
"""The number of ended trials before which a trial is not compared, and convergence not asked for."""


@dataclass
class EarlyStopping:
    """Remembers what was asked; used by one thread."""

    _asked_length: dict[tuple[TuningKey, int], int] = field(default_factory=dict)
    """Length of the curve, by tuning job and the trial's number, when it was last asked about."""
    _asked_ended: dict[tuple[TuningKey, str], int] = field(default_factory=dict)
    """The number of ended trials, by tuning job and definition, when convergence was last asked for."""

    def next_trial(self, tuning: TuningJob, trials: Sequence[Trial], curves: Curves) -> Trial | None:
        """Returns a running trial whose curve has grown; None where there is none, or trials are not stopped early."""
        if not tuning.stops_early:
            return None
        for trial in trials:
            definition = None if trial.is_prior else tuning.definition_of(trial)
            is_compared = definition is not None and not definition.is_halved and not trial.stop_reason
            if (
                not is_compared
                or trial.state is not TrialState.ACTIVE
                or len(_ended(trials, trial.definition)) < _MIN_ENDED
            ):
                continue
            length, key = len(curves.known(trial.name)), (tuning.key, trial.number)
            if length > self._asked_length.get(key, 0):
                self._asked_length[key] = length
                return trial
        return None

    def next_definition(self, tuning: TuningJob, trials: Sequence[Trial]) -> TuningDefinition | None:
        """Returns a definition of which another trial has ended; None where convergence does not matter."""
        mode = tuning.criteria.get("ConvergenceDetected", {}).get("CompleteOnConvergence")
        if mode != "Enabled" or tuning.detail.converged_at is not None:
            return None
        for definition in tuning.definitions:
            count, key = len(_ended(trials, definition.name)), (tuning.key, definition.name)
            if count >= _MIN_ENDED and count > self._asked_ended.get(key, 0):
                self._asked_ended[key] = count
                return definition
        return None

    def retain(self, keys: Set[TuningKey]) -> None:
        """Forgets everything about other tuning jobs."""
        self._asked_length = {key: length for key, length in self._asked_length.items() if key[0] in keys}
        self._asked_ended = {key: count for key, count in self._asked_ended.items() if key[0] in keys}


def _ended(trials: Sequence[Trial], definition: str) -> list[Trial]:
    return [
        trial
        for trial in trials
        if trial.definition == definition and trial.state.is_final and trial.objective is not None
    ]
