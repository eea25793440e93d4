"""A program: features, network and head as one module, raw samples in, scores out. An artifact exports it.

Names of submodules and buffers are names of tensors in model.safetensors: they must not change.
Shape legend: B batch, K classes, C clusters, D embedding size.
"""

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


class RescaleHead(nn.Module):
    """Standardised outputs (B, 1) or (B,) in, values (B,) in the target's units out."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: float, std: float) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32))

    def forward(self, outputs: Tensor) -> Tensor:
        return outputs.float().flatten() * self.std + self.mean


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
