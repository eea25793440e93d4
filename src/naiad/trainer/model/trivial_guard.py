"""Pulls a model's results towards the trivial ones, the mean or the most frequent class, where these validate better.

Shape legend: N samples, K classes.
"""

import torch
from torch import Tensor

_WEIGHTS = (1.0, 0.75, 0.5, 0.25, 0.0)
_PRIOR_ROWS = 5.0
"""Samples of values that are right on average, which are added to those of the validation split: a few say little."""


def fit_class_weight(scores_NK: Tensor, targets_N: Tensor, prior_K: Tensor, weights_N: Tensor | None = None) -> float:
    """Returns the highest weight of the scores, against the prior, at which they are right as often as the prior is.

    weights_N: weights of the samples.
    """
    trivial = _count(targets_N == prior_K.argmax(), weights_N)
    blends = (weight * scores_NK + (1 - weight) * prior_K for weight in _WEIGHTS)
    right = [_count(blend_NK.argmax(dim=1) == targets_N, weights_N) for blend_NK in blends]
    return next(weight for weight, count in zip(_WEIGHTS, right, strict=True) if count >= trivial or weight == 0)


def fit_shrinkage(values_N: Tensor, targets_N: Tensor, mean: float, weights_N: Tensor | None = None) -> float:
    """Returns the factor from 0 to 1 by which the values' distance from the mean has the lowest squared error.

    weights_N: weights of the samples.
    """
    weights_N = torch.ones(len(targets_N)) if weights_N is None else weights_N
    weights_N = weights_N.double() * len(targets_N) / weights_N.double().sum()
    distance_N, wanted_N = values_N.double().flatten() - mean, targets_N.double() - mean
    squares = float(torch.dot(weights_N, distance_N.square()))
    prior = _PRIOR_ROWS * squares / len(targets_N)
    if squares <= 0:
        return 1.0
    products = float(torch.dot(weights_N, distance_N * wanted_N))
    return min(1.0, max(0.0, (products + prior) / (squares + prior)))


def _count(is_right_N: Tensor, weights_N: Tensor | None) -> float:
    return float(is_right_N.sum() if weights_N is None else torch.dot(is_right_N.double(), weights_N.double()))
