"""Checks that a recurrent or attention network keeps the samples of a batch apart.

Such layers take (T, B, F) unless they are made with ``batch_first=True``, and (T, F) as one sequence without a batch. Given
the other order they raise nothing: they run over the samples as if these were steps, so that every prediction depends on the
batch that it is in.
Shape legend: B batch, T steps, F features.
"""

import torch
from torch import Tensor, nn

from naiad.errors import NetworkError

_MIXING_LAYERS = (
    nn.RNNBase,
    nn.MultiheadAttention,
    nn.TransformerEncoderLayer,
    nn.TransformerDecoderLayer,
)
_RTOL, _ATOL = 1e-2, 1e-4


def check_batch_axis(net: nn.Module, inputs: Tensor, output: Tensor) -> None:
    """Raises NetworkError where the output of one of two samples changes with the other. inputs: (2, …); in eval mode."""
    layers = [module for module in net.modules() if isinstance(module, _MIXING_LAYERS)]
    if not layers or len(inputs) != 2 or torch.equal(inputs[0], inputs[1]) or not output.isfinite().all():
        return
    is_apart = all(_is_close(net(inputs[[index, index]])[index], output[index]) for index in range(2))
    is_random = not _is_close(net(inputs), output)
    if not is_apart and not is_random:
        raise NetworkError(
            f"{type(net).__name__} mixes the samples of a batch: what it gives for one changes with the one beside it",
            hint=_hint(layers[0], inputs),
        )


def _is_close(one: Tensor, other: Tensor) -> bool:
    return torch.allclose(one, other, rtol=_RTOL, atol=_ATOL * float(other.abs().max()))


def _hint(layer: nn.Module, inputs: Tensor) -> str:
    name = type(layer).__name__
    if inputs.ndim == 2:
        return f"its {name} takes sequences: give (N, T, F), or a layer for single rows such as Linear"
    if not getattr(layer, "batch_first", getattr(getattr(layer, "self_attn", None), "batch_first", True)):
        return f"make its {name} with batch_first=True, or bring the steps to the front in forward: x.transpose(0, 1)"
    return "keep the first axis of its input for the samples"
