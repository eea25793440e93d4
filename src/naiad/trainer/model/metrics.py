"""The metrics of each task, from scores and targets. Knows arrays; knows nothing of programs or splits.

No function warns: a class without samples scores 0, a number that does not exist is left out or NaN.
``weights_N`` are float64 weights of the samples; None weighs all alike.
Shape legend: N samples, K classes, D embedding size.
"""

from typing import Any

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
MIN_CLASSES_FOR_TOP5 = 6
"""Fewest classes for which the top-5 accuracy is reported."""
SILHOUETTE_SAMPLES = 2_000
"""Most samples of a silhouette: its time grows with their square."""


def mean_over_samples(values_N: Tensor, weights_N: Tensor | None) -> float:
    """Mean of float64 values, each as heavy as its weight. weights_N: float64, of which some are above 0."""
    return float(values_N.mean() if weights_N is None else (values_N * weights_N).sum() / weights_N.sum())


def negative_log_likelihood(scores_NK: Tensor, targets_N: Tensor, weights_N: Tensor | None = None) -> float:
    """Mean over the samples, in nats. scores_NK: float32 probabilities, raised to float32's smallest normal number."""
    chosen_N = scores_NK.gather(1, targets_N.unsqueeze(1)).squeeze(1)
    return mean_over_samples(-chosen_N.clamp(min=SMALLEST_NORMAL).double().log(), weights_N)


def confusion_matrix(targets_N: Tensor, predicted_N: Tensor, classes: int) -> npt.NDArray[np.int64]:
    """(K, K): row is the true class, column the predicted one."""
    pairs_N = targets_N * classes + predicted_N
    counts: npt.NDArray[np.int64] = torch.bincount(pairs_N, minlength=classes * classes).numpy()
    return counts.reshape(classes, classes)


def weighted_confusion_matrix(targets_N: Tensor, predicted_N: Tensor, weights_N: Tensor, classes: int) -> Floats:
    """(K, K): sums of the samples' weights in place of counts."""
    sums: Floats = torch.bincount(targets_N * classes + predicted_N, weights_N, minlength=classes * classes).numpy()
    return sums.reshape(classes, classes)


def class_scores(confusion_KK: npt.NDArray[Any]) -> tuple[Floats, Floats, Floats]:
    """Precision, recall and F1, (K,) each; 0 where there is nothing to divide by."""
    hits_K = np.diag(confusion_KK).astype(np.float64)
    predicted_K, true_K = confusion_KK.sum(axis=0), confusion_KK.sum(axis=1)
    return _ratio(hits_K, predicted_K), _ratio(hits_K, true_K), _ratio(2 * hits_K, predicted_K + true_K)


def classification(
    scores_NK: Tensor, targets_N: Tensor, confusion_KK: npt.NDArray[Any], weights_N: Tensor | None = None
) -> dict[str, float]:
    """``accuracy``, ``f1_macro`` over the classes that occur as target or prediction, and ``top5_accuracy`` for many classes.

    confusion_KK: the weighted one where there are weights.
    """
    total = len(targets_N) if weights_N is None else float(weights_N.sum())
    occurs_K = confusion_KK.sum(axis=0) + confusion_KK.sum(axis=1) > 0
    metrics = {
        "accuracy": float(np.trace(confusion_KK) / total),
        "f1_macro": float(class_scores(confusion_KK)[2][occurs_K].mean()),
    }
    if scores_NK.shape[1] >= MIN_CLASSES_FOR_TOP5:
        best_N5 = scores_NK.topk(5, dim=1).indices
        is_hit_N = (best_N5 == targets_N.unsqueeze(1)).any(dim=1)
        metrics["top5_accuracy"] = mean_over_samples(is_hit_N.double(), weights_N)
    return metrics


def regression(values_N: Tensor, targets_N: Tensor, weights_N: Tensor | None = None) -> dict[str, float]:
    """``r2``, ``mae`` and ``rmse``; all NaN when a value is not finite, ``r2`` for a single sample."""
    if not bool(values_N.isfinite().all()):
        return {"r2": float("nan"), "mae": float("nan"), "rmse": float("nan")}
    values, targets = values_N.double().numpy(), targets_N.double().numpy()
    weights = None if weights_N is None else weights_N.numpy()
    return {
        "r2": float(r2_score(targets, values, sample_weight=weights)) if len(targets) > 1 else float("nan"),
        "mae": float(mean_absolute_error(targets, values, sample_weight=weights)),
        "rmse": float(mean_squared_error(targets, values, sample_weight=weights) ** 0.5),
    }


def cluster_agreement(clusters_N: npt.NDArray[np.int64], targets_N: npt.NDArray[np.int64]) -> dict[str, float]:
    """Agreement of clusters and labels, which does not depend on the clusters' numbers: ``nmi`` and ``ari``."""
    return {
        "nmi": float(normalized_mutual_info_score(targets_N, clusters_N)),
        "ari": float(adjusted_rand_score(targets_N, clusters_N)),
    }


def silhouette(points_ND: npt.NDArray[np.float32], clusters_N: npt.NDArray[np.int64], *, seed: int = 0) -> float | None:
    """The silhouette of a random sample of the points.

    None when the sample has fewer than two clusters, or as many as points, or a point is not finite.
    """
    chosen = np.random.default_rng(seed).permutation(len(points_ND))[:SILHOUETTE_SAMPLES]
    points, clusters = points_ND[chosen], clusters_N[chosen]
    if not 2 <= len(np.unique(clusters)) < len(clusters) or not np.isfinite(points).all():
        return None
    return float(silhouette_score(points, clusters))


def _ratio(numerator_K: Floats, denominator_K: npt.NDArray[Any]) -> Floats:
    """0 where the denominator is 0."""
    ratio_K: Floats = np.divide(numerator_K, denominator_K, out=np.zeros(len(numerator_K)), where=denominator_K > 0)
    return ratio_K
