"""Networks of the registry as blueprints: their layers have names and shapes, and take no memory."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from naiad.trainer.nets.registry import create_network

_FACTORIES = frozenset(
    {torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn, torch.randint, torch.linspace}
)
"""Functions that make weights. Others may make numbers that a network reads while it is built, which need values."""


class _WeightsWithoutMemory(TorchFunctionMode):
    """Makes the tensors of weights on torch's device ``meta``."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        options = dict(kwargs or {})
        if func in _FACTORIES and options.get("device") is None:
            options["device"] = "meta"
        return func(*args, **options)


def create_blueprint(name: str, arguments: Mapping[str, Any]) -> nn.Module:
    """Returns the network that ``create_network`` would make, without values. Raises NetworkError, OptionError."""
    with _WeightsWithoutMemory():
        return create_network(name, **arguments)
