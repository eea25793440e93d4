"""Pulls a model's results towards the trivial ones: the mean where it may be as good, the most frequent class where it is better.

Shape legend: N samples, K classes.
"""

import torch
from torch import Tensor

_WEIGHTS = (1.0, 0.75, 0.5, 0.25, 0.0)


def fit_class_weight(scores_NK: Tensor, targets_N: Tensor, prior_K: Tensor, weights_N: Tensor | None = None) -> float:
    """Returns the highest weight of the scores, against the prior, at which they are right as often as the prior is.

    weights_N: weights of the samples.
    """
    weights_N = _mean_one(weights_N, len(targets_N))
    trivial_N = (targets_N == prior_K.argmax()).double()
    for weight in _WEIGHTS:
        blend_NK = weight * scores_NK + (1 - weight) * prior_K
        gain_N = (blend_NK.argmax(dim=1) == targets_N).double() - trivial_N
        if float(torch.dot(weights_N, gain_N)) >= 0:
            return weight
    return 0.0


def fit_shrinkage(values_N: Tensor, targets_N: Tensor, mean: float, weights_N: Tensor | None = None) -> float:
    """Returns the factor from 0 to 1 for the values' distance from the mean.

    It is the one of the lowest squared error, less for what may be chance: the positive-part estimator of James and Stein 1961
    and Baranchik 1964, with the standard error of the factor. weights_N: weights of the samples.
    """
    weights_N = _mean_one(weights_N, len(targets_N))
    distance_N, wanted_N = values_N.double().flatten() - mean, targets_N.double() - mean
    squares = float(torch.dot(weights_N, distance_N.square()))
    if squares <= 0:
        return 1.0
    factor = float(torch.dot(weights_N, distance_N * wanted_N)) / squares
    if factor <= 0:
        return 0.0
    variance = float(torch.dot(weights_N, (wanted_N - factor * distance_N).square())) / len(targets_N) / squares
    return min(1.0, max(0.0, factor - variance / factor))


def _mean_one(weights_N: Tensor | None, count: int) -> Tensor:
    """Returns the weights of the samples, scaled to a mean of 1."""
    if weights_N is None:
        return torch.ones(count, dtype=torch.float64)
    weights_N = weights_N.double()
    return weights_N * count / weights_N.sum()
