"""The port of the trials of tuning jobs. ``port.py`` has the contract of the whole store."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from naiad.service.domain.tuning import Trial


class TrialStore(Protocol):
    def add(self, trials: Sequence[Trial]) -> None:
        """Adds all of them or none. Raises AlreadyExists for a number that the tuning job has already."""

    def update(self, trial: Trial) -> None:
        """Replaces the trial of this number. Raises NotFound when it was deleted with its tuning job."""

    def last_number(self, tuning: str) -> int:
        """Returns the highest number of a tuning job's own trials, damaged ones among them; 0 where it has none."""

    def of(self, tuning: str) -> tuple[Trial, ...]:
        """Returns the trials of a tuning job by their numbers, those of its parents first; () where there are none."""

    def of_all(self, tunings: Sequence[str]) -> Mapping[str, tuple[Trial, ...]]:
        """Returns the same for several tuning jobs, by name."""
