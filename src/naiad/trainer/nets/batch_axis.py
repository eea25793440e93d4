"""Checks that what a network gives for a sample depends on that sample alone, and is the same each time, in eval mode.

Recurrent and attention layers take (T, B, F) unless they are made with ``batch_first=True``, and (T, F) as one sequence without
a batch. Given the other order they raise nothing: they run over the samples as if these were steps. That is refused; other
mixing, as by the mean of a batch, and random outputs, as by dropout that does not follow the mode, are reported.
Shape legend: B batch, T steps, F features.
"""

import torch
from torch import Tensor, nn

from naiad.errors import NetworkError
from naiad.trainer.data.findings import Action, Finding, Findings

_MIXING_LAYERS = (
    nn.RNNBase,
    nn.MultiheadAttention,
    nn.TransformerEncoderLayer,
    nn.TransformerDecoderLayer,
)
_RTOL, _ATOL = 1e-2, 1e-4
_RANDOM = (
    "the network gives other values for the same input in eval mode, so predictions are random: "
    "let dropout follow the mode, as nn.Dropout and F.dropout(x, training=self.training) do"
)
_MIXED = (
    "what the network gives for a sample changes with the samples beside it, in eval mode too, so predictions do: "
    "look for a mean over axis 0, a view that is not (B, -1), or BatchNorm without running statistics"
)


def check_batch_axis(net: nn.Module, inputs: Tensor, output: Tensor) -> Findings:
    """Reports outputs that are random, or that change with the other sample. inputs: (2, …); output: theirs, in eval mode.

    Raises NetworkError where a recurrent or attention layer runs over the samples.
    """
    if len(inputs) != 2 or torch.equal(inputs[0], inputs[1]) or not output.isfinite().all():
        return Findings()
    if not _is_close(net(inputs.clone()), output):
        return _report("random-output", _RANDOM)
    layers = [module for module in net.modules() if isinstance(module, _MIXING_LAYERS)]
    if all(_is_close(net(inputs[[index, index]])[index], output[index]) for index in ((0, 1) if layers else (1,))):
        return Findings()
    if layers:
        raise NetworkError(
            f"{type(net).__name__} mixes the samples of a batch: what it gives for one changes with the one beside it",
            hint=_hint(layers[0], inputs),
        )
    return _report("mixed-samples", _MIXED)


def _report(kind: str, message: str) -> Findings:
    return Findings((Finding(kind, "train", 1, Action.REPORTED, message),))


def _is_close(one: Tensor, other: Tensor) -> bool:
    return torch.allclose(one, other, rtol=_RTOL, atol=_ATOL * float(other.abs().max()))


def _hint(layer: nn.Module, inputs: Tensor) -> str:
    name = type(layer).__name__
    if inputs.ndim == 2:
        return f"its {name} takes sequences: give (N, T, F), or a layer for single rows such as Linear"
    if not getattr(layer, "batch_first", getattr(getattr(layer, "self_attn", None), "batch_first", True)):
        return f"make its {name} with batch_first=True, or bring the steps to the front in forward: x.transpose(0, 1)"
    return "keep the first axis of its input for the samples"
