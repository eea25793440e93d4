"""Counts how much a network computes for a sample."""

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from naiad.trainer.data.dataset import Dataset
from naiad.trainer.nets.copies import disposable_copy

_SAMPLES = 2


def forward_multiplications(net: nn.Module, dataset: Dataset) -> float:
    """Returns the multiplications of the forward pass of one sample, in matrices and convolutions.

    Gradients stay on: without them, torch takes an encoder layer as one operation that it does not count.
    """
    raw = dataset.train.samples.take(torch.arange(min(_SAMPLES, len(dataset.train))))
    inputs = dataset.features(raw)
    with disposable_copy(net) as copy, FlopCounterMode(display=False) as counter:
        copy.cpu().eval()(inputs)
    return float(counter.get_total_flops()) / 2 / len(raw)
