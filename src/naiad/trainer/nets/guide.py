"""The two networks of the guide, corrected: see docs/guide/README.md.

Shape legend: B batch, C channels, H height, W width, K classes.
"""

from torch import Tensor, nn

from naiad.trainer.nets.blocks import make_activation
from naiad.trainer.nets.options import check_at_least


class SimpleNet(nn.Module):
    """float32 (B, 1, 28, 28) in, logits (B, K) out. Two 5×5 convolutions, each with 2×2 max pooling, then two layers."""

    def __init__(self, classes: int = 10, *, activation: str = "relu") -> None:
        super().__init__()
        self.classes = check_at_least("classes", classes, 1)
        self.activation = make_activation(activation)
        self.conv1 = nn.Conv2d(1, 6, kernel_size=5)
        self.conv2 = nn.Conv2d(6, 16, kernel_size=5)
        self.pool = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(16 * 4 * 4, 256)
        self.fc2 = nn.Linear(256, classes)

    def forward(self, images_BCHW: Tensor) -> Tensor:
        x = self.pool(self.activation(self.conv1(images_BCHW)))  # (B, 6, 12, 12)
        x = self.pool(self.activation(self.conv2(x)))  # (B, 16, 4, 4)
        x = self.activation(self.fc1(x.flatten(1)))  # (B, 256)
        logits_BK: Tensor = self.fc2(x)
        return logits_BK


class Net(nn.Module):
    """float32 (B, 3, 32, 32) in, logits (B, K) out. Three 3×3 convolutions, each with 2×2 max pooling, then two layers."""

    def __init__(self, classes: int = 10, *, activation: str = "relu") -> None:
        super().__init__()
        self.classes = check_at_least("classes", classes, 1)
        self.activation = make_activation(activation)
        self.conv1 = nn.Conv2d(3, 32, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(32, 64, kernel_size=3, padding=1)
        self.conv3 = nn.Conv2d(64, 128, kernel_size=3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(128 * 4 * 4, 512)
        self.fc2 = nn.Linear(512, classes)

    def forward(self, images_BCHW: Tensor) -> Tensor:
        x = self.pool(self.activation(self.conv1(images_BCHW)))  # (B, 32, 16, 16)
        x = self.pool(self.activation(self.conv2(x)))  # (B, 64, 8, 8)
        x = self.pool(self.activation(self.conv3(x)))  # (B, 128, 4, 4)
        x = self.activation(self.fc1(x.flatten(1)))  # (B, 512)
        logits_BK: Tensor = self.fc2(x)
        return logits_BK
