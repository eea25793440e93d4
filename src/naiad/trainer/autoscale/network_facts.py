"""Facts of a network that the rules look at: its types of layer, its width, how far bf16 is from fp32."""

import torch
from torch import nn

from naiad.trainer.data.dataset import Dataset
from naiad.trainer.nets.copies import disposable_copy

CONVOLUTIONS = frozenset({nn.Conv1d, nn.Conv2d, nn.Conv3d})
ATTENTION = frozenset({nn.MultiheadAttention, nn.LayerNorm, nn.TransformerEncoderLayer, nn.Embedding})
RECURRENCE = frozenset({nn.GRU, nn.LSTM, nn.RNN})


def layer_types(net: nn.Module) -> set[type[nn.Module]]:
    return {type(module) for module in net.modules()}


def is_depthwise(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d) and 1 < module.groups == module.in_channels


def hidden_width(net: nn.Module) -> int:
    """Returns the inputs of the widest hidden linear layer; 0 without one."""
    linear = [module.in_features for module in net.modules() if isinstance(module, nn.Linear)]
    return max(linear[1:], default=0)


@torch.no_grad()
def bf16_difference(net: nn.Module, dataset: Dataset) -> float:
    """Returns the largest difference of outputs in bf16 and fp32, relative to the largest output, on 32 training samples."""
    raw = dataset.train.samples.take(torch.arange(min(32, len(dataset.train))))
    inputs = dataset.features(raw)
    with disposable_copy(net) as copy:
        copy.cpu().eval()
        exact = copy(inputs).float()
        with torch.autocast("cpu", torch.bfloat16):
            rounded = copy(inputs).float()
    return float((exact - rounded).abs().max() / exact.abs().max().clamp_min(1e-6))
