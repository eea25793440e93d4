"""Residual network for small images: any size from 8×8 on.

Shape legend: B batch, C channels, H height, W width, K outputs.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from naiad.trainer.nets.blocks import ConvBlock, ResidualBlock
from naiad.trainer.nets.options import check_at_least, check_fraction, check_image_shape, check_widths

MIN_SIDE = 8


class ResidualCNN(nn.Module):
    """float32 (B, C, H, W) in, (B, K) out, for any H and W of 8 or more.

    Each stage but the first halves H and W. The mean over H and W goes into one linear layer.
    channels: of each stage. depth: residual blocks a stage. Raises NetworkError for another ``input_shape``, OptionError.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        outputs: int,
        *,
        channels: Sequence[int] = (32, 64, 128),
        depth: int = 1,
        activation: str = "relu",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        in_channels, _, _ = check_image_shape(input_shape, "residual", min_side=MIN_SIDE)
        widths = check_widths("channels", channels, min_count=1)
        self.stem = ConvBlock(in_channels, widths[0], activation=activation)
        self.stages = nn.Sequential(*_residual_blocks(widths, check_at_least("depth", depth, 1), activation))
        self.dropout = nn.Dropout(check_fraction("dropout", dropout))
        self.head = nn.Linear(widths[-1], check_at_least("outputs", outputs, 1))

    def forward(self, images_BCHW: Tensor) -> Tensor:
        maps = self.stages(self.stem(images_BCHW))
        pooled = torch.mean(maps, dim=(2, 3))
        outputs_BK: Tensor = self.head(self.dropout(pooled))
        return outputs_BK


def _residual_blocks(widths: tuple[int, ...], depth: int, activation: str) -> list[ResidualBlock]:
    """widths: channels of each stage."""
    blocks = []
    in_channels = widths[0]
    for stage, out_channels in enumerate(widths):
        for position in range(depth):
            stride = 2 if stage and not position else 1
            blocks.append(ResidualBlock(in_channels, out_channels, stride=stride, activation=activation))
            in_channels = out_channels
    return blocks
