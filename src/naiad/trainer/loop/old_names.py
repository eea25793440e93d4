"""The names that checkpoints of format 1 have, and this version's names for them."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

_TENSOR_GROUPS = {"average": "ema"}
_VALUES = {
    "halvings": "microbatch_history",
    "loss_samples": "epoch_samples",
    "loss_sum": "epoch_loss_sum",
    "rate_scale": "learning_rate_scale",
    "returns": "rollbacks",
    "turns": "schedule_adjustments",
}


def rename_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a snapshot, named ``<group>/<name>``, with this version's groups."""
    renamed = {}
    for path, tensor in tensors.items():
        group, _, name = path.partition("/")
        renamed[f"{_TENSOR_GROUPS.get(group, group)}/{name}"] = tensor
    return renamed


def rename_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a snapshot with this version's names."""
    return {_VALUES.get(name, name): value for name, value in values.items()}
