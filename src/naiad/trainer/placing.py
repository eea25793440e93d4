"""A network on the device and in the memory layout that a plan says."""

import torch
from torch import nn

from naiad.trainer.plan import Plan


def placed(net: nn.Module, plan: Plan) -> nn.Module:
    """``net`` itself, moved."""
    layout = torch.channels_last if plan.memory_format == "channels_last" else torch.contiguous_format
    return net.to(plan.device).to(memory_format=layout)


def brought_back(net: nn.Module) -> nn.Module:
    """``net`` itself, on the CPU, contiguous."""
    return net.cpu().to(memory_format=torch.contiguous_format)
