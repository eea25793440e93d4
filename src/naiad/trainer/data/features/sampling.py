"""Which samples the statistics are taken from."""

import torch
from torch import Tensor

from naiad.trainer.data.dataset import Samples

STREAMED_SAMPLES = 10_000


def samples_for_statistics(samples: Samples, *, seed: int) -> Tensor:
    """int64 indices in rising order: all where they are in memory, else a seeded choice of 10,000."""
    if samples.in_memory or len(samples) <= STREAMED_SAMPLES:
        return torch.arange(len(samples))
    order = torch.randperm(len(samples), generator=torch.Generator().manual_seed(seed))
    return order[:STREAMED_SAMPLES].sort().values
