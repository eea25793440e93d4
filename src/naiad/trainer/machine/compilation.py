"""``torch.compile`` for a run's network."""

import torch
from torch import nn


def compile_net(net: nn.Module, *, enabled: bool) -> nn.Module:
    """Returns a module that shares the parameters of ``net`` and compiles at its first call.

    Returns ``net`` itself when not enabled.
    """
    if not enabled:
        return net
    module: nn.Module = torch.compile(net)  # type: ignore[assignment]  # reason: torch says Callable
    return module
