"""The numbers of each task, from scores and targets. Knows arrays; knows nothing of programs or splits.

None of these warns: a class without samples scores 0, a number that does not exist is left out or NaN.
Shape legend: N samples, K classes, C clusters, D embedding size.
"""

import numpy as np
import numpy.typing as npt
import torch
from sklearn.metrics import (
    adjusted_rand_score,
    mean_absolute_error,
    mean_squared_error,
    normalized_mutual_info_score,
    r2_score,
    silhouette_score,
)
from torch import Tensor

Floats = npt.NDArray[np.float64]

SMALLEST_NORMAL = torch.finfo(torch.float32).tiny
TOP5_FROM = 6
"""Classes from which on the top-5 accuracy says anything."""
SILHOUETTE_SAMPLES = 2_000
"""A silhouette costs the square of its samples."""


def negative_log_likelihood(scores_NK: Tensor, targets_N: Tensor) -> float:
    """Mean over the samples, in nats, of float32 probabilities; none is taken as smaller than float32's smallest normal."""
    chosen_N = scores_NK.gather(1, targets_N.unsqueeze(1)).squeeze(1)
    return float(-chosen_N.clamp(min=SMALLEST_NORMAL).double().log().mean())


def confusion_matrix(targets_N: Tensor, predicted_N: Tensor, classes: int) -> npt.NDArray[np.int64]:
    """(K, K): row is the true class, column the predicted one."""
    pairs_N = targets_N * classes + predicted_N
    counts: npt.NDArray[np.int64] = torch.bincount(pairs_N, minlength=classes * classes).numpy()
    return counts.reshape(classes, classes)


def class_scores(confusion_KK: npt.NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
    """Precision, recall and F1, (K,) each; 0 where there is nothing to divide by."""
    hits_K = np.diag(confusion_KK).astype(np.float64)
    predicted_K, true_K = confusion_KK.sum(axis=0), confusion_KK.sum(axis=1)
    return _ratio(hits_K, predicted_K), _ratio(hits_K, true_K), _ratio(2 * hits_K, predicted_K + true_K)


def classification(scores_NK: Tensor, targets_N: Tensor, confusion_KK: npt.NDArray[np.int64]) -> dict[str, float]:
    """``f1_macro`` is the mean over the classes that are there, in truth or in prediction."""
    seen_K = confusion_KK.sum(axis=0) + confusion_KK.sum(axis=1) > 0
    metrics = {
        "accuracy": float(np.trace(confusion_KK) / len(targets_N)),
        "f1_macro": float(class_scores(confusion_KK)[2][seen_K].mean()),
    }
    if scores_NK.shape[1] >= TOP5_FROM:
        best_N5 = scores_NK.topk(5, dim=1).indices
        metrics["top5_accuracy"] = float((best_N5 == targets_N.unsqueeze(1)).any(dim=1).double().mean())
    return metrics


def regression(values_N: Tensor, targets_N: Tensor) -> dict[str, float]:
    """NaN throughout when a value is not finite; ``r2`` is NaN for a single sample."""
    if not bool(values_N.isfinite().all()):
        return {"r2": float("nan"), "mae": float("nan"), "rmse": float("nan")}
    values, targets = values_N.double().numpy(), targets_N.double().numpy()
    return {
        "r2": float(r2_score(targets, values)) if len(targets) > 1 else float("nan"),
        "mae": float(mean_absolute_error(targets, values)),
        "rmse": float(mean_squared_error(targets, values) ** 0.5),
    }


def agreement(clusters_N: npt.NDArray[np.int64], targets_N: npt.NDArray[np.int64]) -> dict[str, float]:
    """How well clusters and labels agree, whatever the clusters' numbers."""
    return {
        "nmi": float(normalized_mutual_info_score(targets_N, clusters_N)),
        "ari": float(adjusted_rand_score(targets_N, clusters_N)),
    }


def silhouette(points_ND: npt.NDArray[np.float32], clusters_N: npt.NDArray[np.int64], *, seed: int = 0) -> float | None:
    """On a seeded sample; None when that has fewer than two clusters, or as many as points, or a point is not finite."""
    chosen = np.random.default_rng(seed).permutation(len(points_ND))[:SILHOUETTE_SAMPLES]
    points, clusters = points_ND[chosen], clusters_N[chosen]
    if not 2 <= len(np.unique(clusters)) < len(clusters) or not np.isfinite(points).all():
        return None
    return float(silhouette_score(points, clusters))


def _ratio(part_K: Floats, whole_K: npt.NDArray[np.int64]) -> Floats:
    return np.divide(part_K, whole_K, out=np.zeros(len(part_K)), where=whole_K > 0)
