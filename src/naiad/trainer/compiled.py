"""``torch.compile`` where the plan says so: the same parameters behind faster code."""

import torch
from torch import nn

from naiad.trainer.plan import Plan


def compiled(net: nn.Module, plan: Plan) -> nn.Module:
    """Shares its parameters with ``net``. Compiles at the first call."""
    if plan.compile != "on":
        return net
    module: nn.Module = torch.compile(net)  # type: ignore[assignment]  # reason: torch says Callable
    return module
