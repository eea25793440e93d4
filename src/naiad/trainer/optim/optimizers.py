"""Optimizers by name, with decay on weight matrices only."""

from typing import Any

import torch
from torch import nn

from naiad.trainer.optim.muon import MuonWithAdamW
from naiad.trainer.plan.plan import Plan

OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "adamw": torch.optim.AdamW,
    "muon": MuonWithAdamW,
}


def make_optimizer(net: nn.Module, plan: Plan) -> torch.optim.Optimizer:
    """Two parameter groups: what has two or more dimensions is decayed, gains and biases are not."""
    trainable = [parameter for parameter in net.parameters() if parameter.requires_grad]
    if plan.optimizer == "muon":
        return MuonWithAdamW(
            net,
            trainable,
            lr=plan.learning_rate,
            momentum=plan.momentum,
            weight_decay=plan.weight_decay,
            fused=plan.fused == "on",
        )
    groups: list[dict[str, Any]] = [
        {"params": [p for p in trainable if p.ndim >= 2], "weight_decay": plan.weight_decay},
        {"params": [p for p in trainable if p.ndim < 2], "weight_decay": 0.0},
    ]
    kind = OPTIMIZERS[plan.optimizer]
    options: dict[str, Any] = {"lr": plan.learning_rate, "fused": plan.fused == "on"}
    if kind is torch.optim.SGD:
        options |= {"momentum": plan.momentum, "nesterov": plan.momentum > 0}
    return kind([group for group in groups if group["params"]], **options)


def can_fuse(net: nn.Module) -> bool:
    """Whether torch has the update of this network's weights in one kernel: for real numbers in floating point."""
    return all(parameter.is_floating_point() for parameter in net.parameters() if parameter.requires_grad)


def rate_for_batch(rate: float, optimizer: str, *, before: int, after: int) -> float:
    """A learning rate moved to another batch size: in proportion for sgd (Goyal et al., arXiv 1706.02677), by the square root
    for optimizers whose update has a size of its own (Malladi et al., arXiv 2205.10287).
    """
    factor = after / before
    return rate * (factor if optimizer == "sgd" else factor**0.5)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Of every group, in proportion to its ``rate_factor`` where it has one."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("rate_factor", 1.0)
