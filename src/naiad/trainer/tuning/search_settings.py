"""Settings of a search: its space, its objective, its rungs, and when it ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from naiad.trainer.tuning.halving import Rungs
from naiad.trainer.tuning.objective import Objective
from naiad.trainer.tuning.space import Space
from naiad.trainer.tuning.suggest import Strategy
from naiad.trainer.tuning.trial import Value

BASE = 0
"""Number of the trial that follows the untuned plan."""


class Ending(StrEnum):
    """Why a search ended."""

    TRIALS = "all trials are done"
    TIME = "the time is over"
    GAIN = "another minute is expected to gain less than asked"
    EXHAUSTED = "every combination was tried"
    INTERRUPTED = "it was interrupted"


@dataclass(frozen=True)
class SearchSettings:
    space: Space
    objective: Objective
    epochs: int
    """Epochs of a whole trial."""
    rungs: Rungs
    strategy: Strategy = Strategy.GP
    seed: int = 0
    most_trials: int | None = None
    """Trials besides repetitions; None is no limit."""
    ends_at: float | None = None
    """The time on ``time.perf_counter`` by which searching is over; None is no limit."""
    until_gain: float | None = None
    """The expected gain of another minute below which the search ends."""
    base_values: Mapping[str, Value] = field(default_factory=dict)
    """Trial 0's values, as far as the space has them."""
    proposals: tuple[Mapping[str, Value], ...] = ()
    """Values that are tried right after trial 0."""
    base_s: float = 0.0
    """Expected seconds of trial 0, before it is timed."""
    confirmation_seeds: int = 0
    """Fresh seeds with which the best trial and trial 0 are trained again after the search."""
