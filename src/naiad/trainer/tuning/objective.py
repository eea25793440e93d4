"""The score that a search compares trials by: a metric of the validation split, and which way is better."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from naiad.errors import DataError, OptionError, did_you_mean
from naiad.trainer.data.dataset import Dataset, Task
from naiad.trainer.model.model import EpochRecord
from naiad.trainer.tuning.trial import Direction

_MINIMIZED = frozenset({"loss", "mae", "rmse"})
_METRICS: Mapping[Task, tuple[str, ...]] = {
    Task.CLASSIFICATION: ("accuracy", "f1_macro", "top5_accuracy", "loss"),
    Task.REGRESSION: ("r2", "mae", "rmse", "loss"),
    Task.CLUSTERING: ("loss",),
}
"""Metrics of the validation split by task; the first one is the default."""
_LEAST_CLASSES_TOP5 = 6


@dataclass(frozen=True)
class Objective:
    metric: str
    direction: Direction

    def kept_score(self, history: Sequence[EpochRecord], keep_weights: str) -> float:
        """Returns the score of the weights that the plan would keep now: the last ones, or the best so far.

        keep_weights: the choice of the plan. ``best`` keeps by accuracy, or by the squared error of values, as ``fit`` does.
        """
        match keep_weights:
            case "best":
                record = max(history, key=_fit_objective)
            case "lowest-loss":
                record = min(history, key=lambda one: one.validation["loss"])
            case _:
                record = history[-1]
        return record.validation[self.metric]


def choose_objective(metric: str | None, dataset: Dataset) -> Objective:
    """Raises OptionError for a metric that the task does not have, DataError without validation data."""
    if not len(dataset.validation):
        raise DataError("there are no validation data, by which trials are compared", hint="give validation=")
    known = _METRICS[dataset.task]
    if len(dataset.classes) < _LEAST_CLASSES_TOP5:
        known = tuple(name for name in known if name != "top5_accuracy")
    name = known[0] if metric is None else metric
    if name not in known:
        raise OptionError(f"a {dataset.task.value} has no metric {name!r}", hint=did_you_mean(str(name), known))
    return Objective(name, Direction.MINIMIZE if name in _MINIMIZED else Direction.MAXIMIZE)


def _fit_objective(record: EpochRecord) -> tuple[float, float]:
    scores = record.validation
    return scores.get("accuracy", -scores["loss"]), -scores["loss"]
