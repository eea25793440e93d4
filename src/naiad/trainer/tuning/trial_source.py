"""The source of a search's new trials: what earlier searches found, then suggestions, one of them ahead of its time."""

from collections.abc import Sequence
from dataclasses import dataclass

from naiad.trainer.tuning.history import History
from naiad.trainer.tuning.search_settings import SearchSettings
from naiad.trainer.tuning.suggest import suggest
from naiad.trainer.tuning.trial import Trial, Value


@dataclass
class TrialSource:
    settings: SearchSettings
    _ahead: tuple[int, dict[str, Value] | None] | None = None
    """Number and values of the next trial, where they were suggested before there was room for it."""

    def is_used_up(self, trials: Sequence[Trial]) -> bool:
        """Whether there are as many trials as the search may make."""
        return self.settings.most_trials is not None and len(trials) >= self.settings.most_trials

    def values(self, trials: Sequence[Trial], number: int) -> dict[str, Value] | None:
        """Returns the values of a new trial; None where every combination has been tried. Raises OptionError."""
        if self._ahead is not None and self._ahead[0] == number:
            return self._ahead[1]
        known = [dict(trial.values) for trial in trials]
        proposed = next((dict(one) for one in self.settings.proposals if dict(one) not in known), None)
        return proposed or self._suggest(trials, number)

    def look_ahead(self, trials: Sequence[Trial], number: int) -> None:
        """Finds the values of the next trial while others are trained, so that a worker that becomes free need not wait."""
        if not self.is_used_up(trials) and (self._ahead is None or self._ahead[0] != number):
            self._ahead = (number, self.values(trials, number))

    def _suggest(self, trials: Sequence[Trial], number: int) -> dict[str, Value] | None:
        suggestion = suggest(
            self.settings.space,
            History(tuple(trials), self.settings.objective.direction),
            strategy=self.settings.strategy,
            seed=self.settings.seed,
            count=1,
            start_number=number,
            anchor=self.settings.base_values,
        )
        return next(iter(suggestion.values), None)
