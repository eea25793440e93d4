"""Moves a network between the CPU and the device of a run."""

from typing import TypeVar

import torch
from torch import nn

M = TypeVar("M", bound=nn.Module)


def to_device(net: M, device: str, *, memory_format: str) -> M:
    """Moves ``net`` itself to ``device``. memory_format: ``contiguous`` or ``channels_last``."""
    layout = torch.channels_last if memory_format == "channels_last" else torch.contiguous_format
    return net.to(device).to(memory_format=layout)


def to_cpu(net: M) -> M:
    """Moves ``net`` itself to the CPU, contiguous in memory."""
    return net.cpu().to(memory_format=torch.contiguous_format)
