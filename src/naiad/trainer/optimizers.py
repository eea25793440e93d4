"""Optimizers by name, with decay on weight matrices only."""

import inspect
from typing import Any

import torch
from torch import nn

from naiad.trainer.plan import Plan

OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {"sgd": torch.optim.SGD, "adamw": torch.optim.AdamW}


def make_optimizer(net: nn.Module, plan: Plan) -> torch.optim.Optimizer:
    """Two parameter groups: what has two or more dimensions is decayed, gains and biases are not."""
    trainable = [parameter for parameter in net.parameters() if parameter.requires_grad]
    groups: list[dict[str, Any]] = [
        {"params": [p for p in trainable if p.ndim >= 2], "weight_decay": plan.weight_decay},
        {"params": [p for p in trainable if p.ndim < 2], "weight_decay": 0.0},
    ]
    kind = OPTIMIZERS[plan.optimizer]
    options: dict[str, Any] = {"lr": plan.learning_rate}
    if kind is torch.optim.SGD:
        options |= {"momentum": plan.momentum, "nesterov": plan.momentum > 0}
    if _can_fuse(kind, trainable):
        options["fused"] = True
    return kind([group for group in groups if group["params"]], **options)


def _can_fuse(kind: type[torch.optim.Optimizer], parameters: list[nn.Parameter]) -> bool:
    return "fused" in inspect.signature(kind).parameters and all(p.is_floating_point() for p in parameters)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate
