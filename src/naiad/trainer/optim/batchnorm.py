"""BatchNorm's running statistics: followed fast enough in a short run, and computed anew for averaged weights.

Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization", arXiv 1803.05407, section 3.2.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


def has_batchnorm_statistics(net: nn.Module) -> bool:
    """Whether a layer of ``net`` keeps running statistics of its batches."""
    return bool(_layers(net))


def lowest_momentum(net: nn.Module) -> float | None:
    """The lowest momentum of all layers; None where no layer has one."""
    return min((layer.momentum for layer in _layers(net) if layer.momentum is not None), default=None)


@contextmanager
def minimum_momentum(net: nn.Module, minimum: float | None) -> Iterator[None]:
    """Raises lower momenta to ``minimum`` inside the block. A layer whose statistics are the mean of all batches stays so."""
    before = [(layer, layer.momentum) for layer in _layers(net)]
    try:
        for layer, momentum in before:
            if minimum is not None and momentum is not None:
                layer.momentum = max(momentum, minimum)
        yield
    finally:
        for layer, momentum in before:
            layer.momentum = momentum


@torch.no_grad()
def recompute_statistics(net: nn.Module, inputs: Iterable[Tensor]) -> None:
    """Sets every layer's running mean and variance to the averages over the batches ``inputs``, which are network inputs.

    Changes nothing else: all other layers are in eval mode meanwhile, and modes and momenta are put back.
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
