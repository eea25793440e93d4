from types import SimpleNamespace

import pytest
from torch import nn


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru, self.head = nn.GRU(1, 8, batch_first=True), nn.Linear(8, 3)

    def forward(self, inputs):
        return self.head(self.gru(inputs.unsqueeze(2))[0][:, -1])


@pytest.fixture
def nets():
    """Functions that make small networks of each kind, for five columns and three classes."""
    return SimpleNamespace(
        linear=lambda: nn.Sequential(nn.Linear(5, 3)),
        convolutional=lambda: nn.Sequential(
            nn.Unflatten(1, (1, 5, 1)), nn.Conv2d(1, 4, 1), nn.Flatten(), nn.Linear(20, 3)
        ),
        recurrent=Recurrent,
    )
