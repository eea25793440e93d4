"""The gradient noise scale: the batch size at which the noise of the gradient is as large as the gradient.

McCandlish et al., "An Empirical Model of Large-Batch Training", arXiv 1812.06162, appendix A.1: from the norms of gradients over
small batches and over all of them together.
"""

from collections.abc import Sequence

import torch
from torch import Tensor


def noise_scale(gradients: Sequence[Tensor], batch_size: int) -> float | None:
    """Returns the noise scale in samples, 0 without noise; None where the noise hides the gradient.

    gradients: (P,) each, of equal batches at the same weights.
    """
    count = len(gradients)
    small = float(torch.stack([gradient.square().sum() for gradient in gradients]).mean())
    large = float(torch.stack(list(gradients)).mean(dim=0).square().sum())
    samples = count * batch_size
    signal = (samples * large - batch_size * small) / (samples - batch_size)
    noise = (small - large) / (1 / batch_size - 1 / samples)
    return max(0.0, noise) / signal if signal > 0 else None


def efficiency(batch_size: int, scale: float) -> float:
    """Returns the progress a sample, in units of that of a batch of one (ibid., equation 2.7)."""
    return (scale + 1) / (scale + batch_size)
