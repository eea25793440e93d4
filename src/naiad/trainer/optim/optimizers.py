"""Optimizers by name. Weight decay applies to weight matrices only."""

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
    """An optimizer with two parameter groups: parameters of two or more dimensions are decayed, gains and biases are not."""
    trainable = [parameter for parameter in net.parameters() if parameter.requires_grad]
    if plan.optimizer == "muon":
        return MuonWithAdamW(
            net,
            trainable,
            lr=plan.learning_rate,
            momentum=plan.momentum,
            weight_decay=plan.weight_decay,
            fused=plan.fused == "on",
            dtype={"fp32": torch.float32, "bf16": torch.bfloat16}[plan.muon_precision],
        )
    groups: list[dict[str, Any]] = [
        {"params": [p for p in trainable if p.ndim >= 2], "weight_decay": plan.weight_decay},
        {"params": [p for p in trainable if p.ndim < 2], "weight_decay": 0.0},
    ]
    optimizer_class = OPTIMIZERS[plan.optimizer]
    options: dict[str, Any] = {"lr": plan.learning_rate, "fused": plan.fused == "on"}
    if optimizer_class is torch.optim.SGD:
        options |= {"momentum": plan.momentum, "nesterov": plan.momentum > 0}
    return optimizer_class([group for group in groups if group["params"]], **options)


def has_fused_update(net: nn.Module) -> bool:
    """Whether torch can update the weights in one kernel: all must be real numbers in floating point."""
    return all(parameter.is_floating_point() for parameter in net.parameters() if parameter.requires_grad)


def scale_learning_rate(rate: float, optimizer: str, *, before: int, after: int) -> float:
    """The learning rate for batch size ``after`` that corresponds to ``rate`` for batch size ``before``.

    It grows in proportion for sgd (Goyal et al., arXiv 1706.02677) and by the square root for optimizers that normalise their
    updates (Malladi et al., arXiv 2205.10287).
    """
    factor = after / before
    return rate * (factor if optimizer == "sgd" else factor**0.5)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Sets the rate of every parameter group, multiplied by the group's ``rate_factor`` where it has one."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("rate_factor", 1.0)
