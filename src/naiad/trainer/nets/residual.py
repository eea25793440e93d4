"""A small residual network for images of any size from 8×8 on.

Shape legend: B batch, C channels, H height, W width, K outputs.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from naiad.trainer.nets.blocks import ConvBlock, Residual
from naiad.trainer.nets.options import at_least, fraction, image_shape, widths

LEAST_SIDE = 8


class ResidualCNN(nn.Module):
    """float32 (B, C, H, W) in, (B, K) out, for any H and W of 8 or more.

    channels: of each stage; every stage but the first halves H and W. The mean over what is left of them goes
    into one linear layer. depth: residual blocks a stage. Raises NetworkError for an ``input_shape`` that is no such image.
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
        in_channels, _, _ = image_shape(input_shape, "residual", least_side=LEAST_SIDE)
        stages = widths("channels", channels, least_count=1)
        self.stem = ConvBlock(in_channels, stages[0], activate=activation)
        self.stages = nn.Sequential(*_blocks(stages, at_least("depth", depth, 1), activation))
        self.dropout = nn.Dropout(fraction("dropout", dropout))
        self.head = nn.Linear(stages[-1], at_least("outputs", outputs, 1))

    def forward(self, images_BCHW: Tensor) -> Tensor:
        maps = self.stages(self.stem(images_BCHW))
        pooled = torch.mean(maps, dim=(2, 3))
        outputs_BK: Tensor = self.head(self.dropout(pooled))
        return outputs_BK


def _blocks(stages: tuple[int, ...], depth: int, activation: str) -> list[Residual]:
    blocks = []
    before = stages[0]
    for stage, width in enumerate(stages):
        for place in range(depth):
            stride = 2 if stage and not place else 1
            blocks.append(Residual(before, width, stride=stride, activate=activation))
            before = width
    return blocks
