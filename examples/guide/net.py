"""The guide's two networks in plain PyTorch. docs/guide/README.md lists each correction."""

import torch.nn.functional as F
from torch import Tensor, nn


class SimpleNet(nn.Module):
    """Images (N, 1, 28, 28) in, logits (N, classes) out."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 4 * 4, 256)
        self.fc2 = nn.Linear(256, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)  # (N, 6, 12, 12)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)  # (N, 16, 4, 4)
        x = x.flatten(1)  # (N, 256)
        x = F.relu(self.fc1(x))
        return self.fc2(x)


class Net(nn.Module):
    """Images (N, 3, 32, 32) in, logits (N, classes) out."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 3, padding=1)
        self.conv2 = nn.Conv2d(32, 64, 3, padding=1)
        self.conv3 = nn.Conv2d(64, 128, 3, padding=1)
        self.fc1 = nn.Linear(128 * 4 * 4, 512)
        self.fc2 = nn.Linear(512, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)  # (N, 32, 16, 16)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)  # (N, 64, 8, 8)
        x = F.max_pool2d(F.relu(self.conv3(x)), 2)  # (N, 128, 4, 4)
        x = x.flatten(1)  # (N, 2048)
        x = F.relu(self.fc1(x))
        return self.fc2(x)
