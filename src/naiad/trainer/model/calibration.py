"""Calibration: makes a classifier's probabilities as high as it is right. The predicted classes do not change.

One temperature divides the logits; it is found on the validation split: Guo et al., "On Calibration of Modern Neural Networks",
arXiv 1706.04599. A log-normal prior keeps it from becoming very low where a few samples are all right.
Shape legend: N samples, K classes.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from naiad.trainer.model.metrics import SMALLEST_NORMAL

MIN_SAMPLES = 20
MAX_SAMPLES = 20_000
_LOW, _HIGH = math.log(1 / 5), math.log(20)
"""Bounds of the logarithm of the temperature."""
_PRIOR_MEAN = math.log(1.5)
"""Trained networks are usually too sure; a few samples cannot show how much."""
_PRIOR_WEIGHT = 2.0
"""Loss in nats, over all samples, of a temperature e times the prior's mean, or an e-th of it."""
_GOLDEN_RATIO = (math.sqrt(5) - 1) / 2
_SEARCH_STEPS = 20


def fit_temperature(scores_NK: Tensor, targets_N: Tensor, weights_N: Tensor | None = None) -> float:
    """The temperature under which the targets (N,), class indices, are likeliest. scores_NK: probabilities at temperature 1.

    weights_N: weights of the samples, of which some are above 0; None weighs all alike.
    """
    stride = -(-len(scores_NK) // MAX_SAMPLES)
    logits_NK = scores_NK[::stride].double().clamp(min=SMALLEST_NORMAL).log()
    targets_N = targets_N[::stride]
    factors_N = (
        None if weights_N is None else weights_N[::stride] / weights_N[::stride].mean().clamp(min=SMALLEST_NORMAL)
    )

    def cost(log_temperature: float) -> float:
        divided_NK = logits_NK / math.exp(log_temperature)
        if factors_N is None:
            loss = F.cross_entropy(divided_NK, targets_N, reduction="sum")
        else:
            loss = (factors_N * F.cross_entropy(divided_NK, targets_N, reduction="none")).sum()
        return float(loss) + _PRIOR_WEIGHT * (log_temperature - _PRIOR_MEAN) ** 2

    return round(math.exp(_minimize(cost)), 4)


def apply_temperature(scores_NK: Tensor, temperature: float) -> Tensor:
    """The probabilities (N, K) that the head gives at ``temperature``. scores_NK: those at temperature 1."""
    return torch.softmax(scores_NK.clamp(min=SMALLEST_NORMAL).log() / temperature, dim=1)


def _minimize(cost: Callable[[float], float]) -> float:
    """The argument between _LOW and _HIGH with the lowest cost, by golden-section search."""
    low, high = _LOW, _HIGH
    left, right = high - _GOLDEN_RATIO * (high - low), low + _GOLDEN_RATIO * (high - low)
    at_left, at_right = cost(left), cost(right)
    for _ in range(_SEARCH_STEPS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN_RATIO * (high - low)
            at_left = cost(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN_RATIO * (high - low)
            at_right = cost(right)
    return (low + high) / 2
