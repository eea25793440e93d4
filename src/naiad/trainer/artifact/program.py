"""A program: features, network and head as one module, raw samples in, scores out. An artifact exports it.

Names of submodules and buffers are names of tensors in model.safetensors: they must not change.
Shape legend: B batch, K classes, C clusters, D embedding size.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn


class SoftmaxHead(nn.Module):
    """Logits (B, K) in, probabilities (B, K) out, float32. The logits are divided by a temperature (see ``calibration.py``)."""

    temperature: Tensor

    def __init__(self, temperature: float = 1.0) -> None:
        super().__init__()
        self.register_buffer("temperature", torch.tensor(temperature, dtype=torch.float32))

    def forward(self, logits: Tensor) -> Tensor:
        return torch.softmax(logits.float() / self.temperature, dim=1)


class BlendHead(SoftmaxHead):
    """Logits (B, K) in, probabilities (B, K) out: as SoftmaxHead, blended with the frequencies of the classes in training.

    The weight is 1 unless the classes are predicted worse than by the most frequent one (see ``trivial_guard.py``).
    """

    prior: Tensor
    weight: Tensor

    def __init__(self, prior_K: Tensor) -> None:
        super().__init__()
        self.register_buffer("prior", prior_K.float())
        self.register_buffer("weight", torch.tensor(1.0))

    def forward(self, logits: Tensor) -> Tensor:
        return self.weight * super().forward(logits) + (1 - self.weight) * self.prior


class ProbabilityHead(SoftmaxHead):
    """Probabilities (B, K) of the network in, probabilities (B, K) out, float32: as SoftmaxHead, with their logits."""

    def __init__(self, to_logits: Callable[[Tensor], Tensor]) -> None:
        """to_logits: see ``network_output.py``."""
        super().__init__()
        self.to_logits = to_logits

    def forward(self, logits: Tensor) -> Tensor:
        return super().forward(self.to_logits(logits))


class RescaleHead(nn.Module):
    """Standardised outputs (B, 1) or (B,) in, values (B,) in the target's units out, in the type of its buffers."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: float, std: float, *, dtype: torch.dtype = torch.float32) -> None:
        """dtype: float64 for targets whose differences float32 loses (see ``float32.py``)."""
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean, dtype=dtype))
        self.register_buffer("std", torch.tensor(std, dtype=dtype))

    def forward(self, outputs: Tensor) -> Tensor:
        standardised = outputs.float().flatten()
        if self.mean.dtype is torch.float64:
            standardised = (standardised.cpu() if standardised.is_mps else standardised).double()
        return standardised * self.std + self.mean


def to_scores(outputs: Tensor) -> Tensor:
    """Returns a program's outputs as float32; float64 stays, which ``RescaleHead`` gives for a reason."""
    return outputs if outputs.dtype is torch.float64 else outputs.float()


class CentroidHead(nn.Module):
    """Embeddings (B, D) in, a score for each cluster (B, C) out: softmax of minus the squared distance to its centre."""

    centres: Tensor

    def __init__(self, centres: Tensor) -> None:
        super().__init__()
        self.register_buffer("centres", centres.float())

    def forward(self, embeddings: Tensor) -> Tensor:
        difference = embeddings.float().unsqueeze(1) - self.centres
        return torch.softmax(-difference.square().sum(dim=2), dim=1)


class Encoder(nn.Module):
    """A module whose ``forward`` is the ``encode`` of an autoencoder."""

    def __init__(self, autoencoder: nn.Module) -> None:
        super().__init__()
        self.autoencoder = autoencoder

    def forward(self, inputs: Tensor) -> Tensor:
        embedding: Tensor = self.autoencoder.encode(inputs)  # type: ignore[operator]  # reason: a network for clustering has ``encode``
        return embedding


class Program(nn.Module):
    """Calls features, network and head, one after the other."""

    def __init__(self, features: nn.Module, net: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.features = features
        self.net = net
        self.head = head

    def forward(self, raw: Tensor) -> Tensor:
        scores: Tensor = self.head(self.net(self.features(raw)))
        return scores
