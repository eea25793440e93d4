"""BatchNorm's statistics: learnt in time in a short run; computed anew for an average of weights, which no step has seen.

Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization", arXiv 1803.05407, section 3.2.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


def normalised_by_batch(net: nn.Module) -> bool:
    """Whether a layer keeps statistics of the batches that it saw."""
    return bool(_layers(net))


def slowest_momentum(net: nn.Module) -> float | None:
    """The least of all layers; None where no layer's statistics follow the batches by a momentum."""
    return min((layer.momentum for layer in _layers(net) if layer.momentum is not None), default=None)


@contextmanager
def least_momentum(net: nn.Module, least: float | None) -> Iterator[None]:
    """Inside, every batch counts at least so much in the running statistics; a mean of all batches stays one."""
    before = [(layer, layer.momentum) for layer in _layers(net)]
    try:
        for layer, momentum in before:
            if least is not None and momentum is not None:
                layer.momentum = max(momentum, least)
        yield
    finally:
        for layer, momentum in before:
            layer.momentum = momentum


@torch.no_grad()
def recalculate(net: nn.Module, inputs: Iterable[Tensor]) -> None:
    """Every layer's mean and variance over the batches ``inputs``, as the network sees them; all of equal weight.

    Nothing else changes: no other layer drops or draws anything, and modes and momenta are put back.
    """
    layers = _layers(net)
    before = [(layer, layer.momentum) for layer in layers]
    modes = [(module, module.training) for module in net.modules()]
    net.eval()
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # the mean of all batches
        layer.train()
    try:
        for batch in inputs:
            net(batch)
    finally:
        for layer, momentum in before:
            layer.momentum = momentum
        for module, training in modes:
            module.training = training


def _layers(net: nn.Module) -> list[_BatchNorm]:
    return [layer for layer in net.modules() if isinstance(layer, _BatchNorm) and layer.track_running_stats]
