"""Chooses the samples that statistics are computed from."""

import torch
from torch import Tensor

from naiad.trainer.data.dataset import Samples

MAX_STREAMED_SAMPLES = 10_000


def statistics_indices(samples: Samples, *, seed: int) -> Tensor:
    """Returns int64 indices in rising order: of all samples where they are in memory, else of 10,000 drawn by the seed."""
    if samples.in_memory or len(samples) <= MAX_STREAMED_SAMPLES:
        return torch.arange(len(samples))
    order = torch.randperm(len(samples), generator=torch.Generator().manual_seed(seed))
    return order[:MAX_STREAMED_SAMPLES].sort().values
