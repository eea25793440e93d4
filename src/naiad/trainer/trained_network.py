"""The result of training: what the end of a run needs to know of it, besides the weights."""

from dataclasses import dataclass

from naiad.trainer.autoscale.measurement_cache import MeasurementCache
from naiad.trainer.model.evaluate import Evaluation
from naiad.trainer.model.model import EpochRecord
from naiad.trainer.plan.plan import Plan


@dataclass(frozen=True)
class TrainedNetwork:
    """Result of training, besides the weights in the run's network."""

    plan: Plan
    """The plan as it was followed, with the adjustments that the run made."""
    history: tuple[EpochRecord, ...]
    started_at: float
    """The time on ``time.perf_counter`` from which the time limit counts."""
    evaluation: Evaluation | None = None
    """The evaluation of these weights on the validation split, where the loop has made it."""
    cache: MeasurementCache | None = None
    """The cache that keeps the outcome for later runs."""
