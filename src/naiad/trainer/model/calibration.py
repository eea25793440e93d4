"""Calibration: probabilities that are right as often as they say. What is predicted does not change, only how surely.

One temperature divides the logits, found on the validation split: Guo et al., "On Calibration of Modern Neural Networks",
arXiv 1706.04599. A log-normal prior on it keeps a few samples that are all right from making it cold.
Shape legend: N samples, K classes.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from naiad.trainer.model.metrics import SMALLEST_NORMAL

LEAST_SAMPLES = 20
MOST_SAMPLES = 20_000
_LOW, _HIGH = math.log(1 / 5), math.log(20)
_USUAL = math.log(1.5)
"""Trained networks are surer than they are right; a few samples cannot tell by how much."""
_DEPARTURE = 2.0
"""What a temperature e times the usual one, or an e-th of it, must earn, in nats over all samples."""
_GOLDEN = (math.sqrt(5) - 1) / 2
_NARROWINGS = 20


def temperature(scores_NK: Tensor, targets_N: Tensor) -> float:
    """For probabilities (N, K) and class indices (N,): the one under which the targets are likeliest."""
    every = -(-len(scores_NK) // MOST_SAMPLES)
    logits_NK = scores_NK[::every].double().clamp(min=SMALLEST_NORMAL).log()
    targets_N = targets_N[::every]

    def cost(log_temperature: float) -> float:
        loss = torch.nn.functional.cross_entropy(logits_NK / math.exp(log_temperature), targets_N, reduction="sum")
        return float(loss) + _DEPARTURE * (log_temperature - _USUAL) ** 2

    return round(math.exp(_lowest(cost)), 4)


def scaled(scores_NK: Tensor, by: float) -> Tensor:
    """Probabilities (N, K) as the head gives them at a temperature, from those at temperature 1."""
    return torch.softmax(scores_NK.clamp(min=SMALLEST_NORMAL).log() / by, dim=1)


def _lowest(cost: Callable[[float], float]) -> float:
    """Golden-section search."""
    low, high = _LOW, _HIGH
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = cost(left), cost(right)
    for _ in range(_NARROWINGS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = cost(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = cost(right)
    return (low + high) / 2
