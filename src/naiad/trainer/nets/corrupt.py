"""Corrupts inputs in training mode, for denoising networks; random numbers come from torch's global generator.

Shape legend: B batch, C channels, H height, W width.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from naiad.trainer.nets.options import check_fraction


class RandomMask(nn.Module):
    """Sets each value to zero with probability ``fraction``. Unlike dropout, it does not scale the others."""

    def __init__(self, fraction: float) -> None:
        super().__init__()
        self.fraction = check_fraction("mask", fraction)

    def forward(self, inputs: Tensor) -> Tensor:
        if not self.training or not self.fraction:
            return inputs
        return inputs * (torch.rand_like(inputs) >= self.fraction)


class GaussianNoise(nn.Module):
    """Adds normal noise with standard deviation ``std``."""

    def __init__(self, std: float) -> None:
        super().__init__()
        self.std = check_fraction("noise", std)

    def forward(self, inputs: Tensor) -> Tensor:
        if not self.training or not self.std:
            return inputs
        return inputs + self.std * torch.randn_like(inputs)


class RandomAffine(nn.Module):
    """(B, C, H, W) in and out: shifts, rotates, shears and scales each image by its own random matrix.

    std: standard deviation of the matrix around the identity, in halves of a side.
    """

    def __init__(self, std: float) -> None:
        super().__init__()
        self.std = check_fraction("affine", std)

    def forward(self, images_BCHW: Tensor) -> Tensor:
        if not self.training or not self.std:
            return images_BCHW
        identity_23 = torch.eye(2, 3, device=images_BCHW.device)
        matrices_B23 = identity_23 + self.std * torch.randn(len(images_BCHW), 2, 3, device=images_BCHW.device)
        grid = F.affine_grid(matrices_B23, list(images_BCHW.shape), align_corners=False)
        return F.grid_sample(images_BCHW, grid.to(images_BCHW.dtype), padding_mode="border", align_corners=False)
