"""Networks of linear layers, for tables and flat arrays. Input of any shape is flattened.

Shape legend: B batch, F features, K outputs.
"""

import math
from collections.abc import Sequence

from torch import Tensor, nn

from naiad.trainer.nets.blocks import Perceptron
from naiad.trainer.nets.options import at_least, widths


class MLP(nn.Module):
    """float32 (B, *input_shape) in, (B, K) out. ``activation`` is one of ``blocks.ACTIVATIONS``."""

    def __init__(
        self,
        input_shape: Sequence[int],
        outputs: int,
        *,
        hidden: Sequence[int] = (256, 128),
        activation: str = "relu",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        sizes = _sizes(input_shape, widths("hidden", hidden), outputs)
        self.layers = Perceptron(sizes, activate=activation, dropout=dropout)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs_BK: Tensor = self.layers(inputs.flatten(1))
        return outputs_BK


class WideDeep(nn.Module):
    """float32 (B, *input_shape) in, (B, K) out: linear(x) + MLP(x), after Cheng et al. 2016 (arXiv 1606.07792).

    The MLP's last layer starts at zero, so training starts from a linear model and bends it only where the data asks.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        outputs: int,
        *,
        hidden: Sequence[int] = (128, 64),
        activation: str = "relu",
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        sizes = _sizes(input_shape, widths("hidden", hidden, least_count=1), outputs)
        self.wide = nn.Linear(sizes[0], sizes[-1])
        self.deep = Perceptron(sizes, activate=activation, dropout=dropout)
        nn.init.zeros_(self.deep.last.weight)
        nn.init.zeros_(self.deep.last.bias)

    def forward(self, inputs: Tensor) -> Tensor:
        flat_BF = inputs.flatten(1)
        outputs_BK: Tensor = self.wide(flat_BF) + self.deep(flat_BF)
        return outputs_BK


def _sizes(input_shape: Sequence[int], hidden: tuple[int, ...], outputs: int) -> tuple[int, ...]:
    features = math.prod(widths("input_shape", input_shape))
    return (features, *hidden, at_least("outputs", outputs, 1))
