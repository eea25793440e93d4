"""Noise for denoising networks: only while training, from torch's global generator.

Shape legend: B batch, C channels, H height, W width.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from naiad.trainer.nets.options import fraction


class Mask(nn.Module):
    """Puts a part of the numbers to zero; nothing is scaled up for it."""

    def __init__(self, part: float) -> None:
        super().__init__()
        self.part = fraction("mask", part)

    def forward(self, inputs: Tensor) -> Tensor:
        if not self.training or not self.part:
            return inputs
        return inputs * (torch.rand_like(inputs) >= self.part)


class Noise(nn.Module):
    """Adds normal noise of a deviation."""

    def __init__(self, deviation: float) -> None:
        super().__init__()
        self.deviation = fraction("noise", deviation)

    def forward(self, inputs: Tensor) -> Tensor:
        if not self.training or not self.deviation:
            return inputs
        return inputs + self.deviation * torch.randn_like(inputs)


class Move(nn.Module):
    """(B, C, H, W) in and out: every image shifted, turned, sheared and scaled a little, each its own way."""

    def __init__(self, amount: float) -> None:
        super().__init__()
        self.amount = fraction("move", amount)

    def forward(self, images_BCHW: Tensor) -> Tensor:
        if not self.training or not self.amount:
            return images_BCHW
        still_23 = torch.eye(2, 3, device=images_BCHW.device)
        moves_B23 = still_23 + self.amount * torch.randn(len(images_BCHW), 2, 3, device=images_BCHW.device)
        grid = F.affine_grid(moves_B23, list(images_BCHW.shape), align_corners=False)
        return F.grid_sample(images_BCHW, grid.to(images_BCHW.dtype), padding_mode="border", align_corners=False)
