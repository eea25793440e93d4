"""Checks reported metrics against scikit-learn's on the predictions that the model returns. A reported one is never better.

Shape legend: N samples, K classes.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import (
    accuracy_score,
    adjusted_rand_score,
    f1_score,
    mean_absolute_error,
    mean_squared_error,
    normalized_mutual_info_score,
    r2_score,
)

from naiad.trainer.data.dataset import Task
from naiad.trainer.model.evaluate import Evaluation

_TOLERANCE = 1e-6
"""Difference that rounding explains, beside the size of the value."""
_LOWER_IS_BETTER = ("mae", "rmse")


def correct_metrics(
    evaluation: Evaluation,
    labels_N: npt.NDArray[Any],
    targets_N: npt.NDArray[Any],
    weights_N: npt.NDArray[np.float64] | None = None,
) -> tuple[Evaluation, tuple[str, ...]]:
    """Returns the evaluation with scikit-learn's value for each metric that was reported better, and the names of these.

    labels_N: what the model returns for the samples. targets_N: the user's own classes or values.
    weights_N: weights of the samples in the metrics; None weighs all alike.
    """
    checked = _compute_metrics(evaluation.task, labels_N, targets_N, weights_N)
    corrected = {
        name: value
        for name, value in checked.items()
        if name in evaluation.metrics and _is_better(name, evaluation.metrics[name], value)
    }
    if not corrected:
        return evaluation, ()
    return replace(evaluation, metrics={**evaluation.metrics, **corrected}), tuple(corrected)


def _compute_metrics(
    task: Task, labels_N: npt.NDArray[Any], targets_N: npt.NDArray[Any], weights_N: npt.NDArray[np.float64] | None
) -> dict[str, float]:
    match task:
        case Task.CLASSIFICATION:
            _, codes = np.unique(np.concatenate([targets_N, labels_N]), return_inverse=True)
            true_N, predicted_N = codes[: len(targets_N)], codes[len(targets_N) :]
            return {
                "accuracy": float(accuracy_score(true_N, predicted_N, sample_weight=weights_N)),
                "f1_macro": _f1_macro(true_N, predicted_N, weights_N),
            }
        case Task.REGRESSION:
            values_N = labels_N.astype(np.float64)
            if not np.isfinite(values_N).all():
                return {}
            return {
                "r2": float(r2_score(targets_N, values_N, sample_weight=weights_N))
                if len(targets_N) > 1
                else float("nan"),
                "mae": float(mean_absolute_error(targets_N, values_N, sample_weight=weights_N)),
                "rmse": float(mean_squared_error(targets_N, values_N, sample_weight=weights_N) ** 0.5),
            }
        case Task.CLUSTERING:
            return {
                "nmi": float(normalized_mutual_info_score(targets_N, labels_N)),
                "ari": float(adjusted_rand_score(targets_N, labels_N)),
            }


def _f1_macro(
    true_N: npt.NDArray[Any], predicted_N: npt.NDArray[Any], weights_N: npt.NDArray[np.float64] | None
) -> float:
    """Leaves out classes that occur only in samples of weight 0."""
    if weights_N is not None:
        is_used = weights_N > 0
        true_N, predicted_N, weights_N = true_N[is_used], predicted_N[is_used], weights_N[is_used]
    return float(f1_score(true_N, predicted_N, average="macro", zero_division=0, sample_weight=weights_N))


def _is_better(name: str, reported: float, checked: float) -> bool:
    sign = -1 if name in _LOWER_IS_BETTER else 1
    return sign * (reported - checked) > _TOLERANCE * max(1.0, abs(checked))
