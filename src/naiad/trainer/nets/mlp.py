"""Networks of linear layers, for tables and arrays. They flatten their input.

Shape legend: B batch, F features, K outputs.
"""

import math
from collections.abc import Sequence

from torch import Tensor, nn

from naiad.trainer.nets.blocks import Perceptron
from naiad.trainer.nets.options import check_at_least, check_widths


class MLP(nn.Module):
    """float32 (B, *input_shape) in, (B, K) out.

    hidden: widths of the layers before the last. activation: a name in ``blocks.ACTIVATIONS``. Raises OptionError.
    """

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
        sizes = _layer_sizes(input_shape, check_widths("hidden", hidden), outputs)
        self.layers = Perceptron(sizes, activation=activation, dropout=dropout)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs_BK: Tensor = self.layers(inputs.flatten(1))
        return outputs_BK


class WideDeep(nn.Module):
    """float32 (B, *input_shape) in, (B, K) out: linear(x) + MLP(x), after Cheng et al. 2016 (arXiv 1606.07792).

    The MLP's last layer starts at zero, so training starts from a linear model. Options and errors are those of ``MLP``.
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
        sizes = _layer_sizes(input_shape, check_widths("hidden", hidden, min_count=1), outputs)
        self.wide = nn.Linear(sizes[0], sizes[-1])
        self.deep = Perceptron(sizes, activation=activation, dropout=dropout)
        nn.init.zeros_(self.deep.last_layer.weight)
        nn.init.zeros_(self.deep.last_layer.bias)

    def forward(self, inputs: Tensor) -> Tensor:
        flat_BF = inputs.flatten(1)
        outputs_BK: Tensor = self.wide(flat_BF) + self.deep(flat_BF)
        return outputs_BK


def _layer_sizes(input_shape: Sequence[int], hidden: tuple[int, ...], outputs: int) -> tuple[int, ...]:
    features = math.prod(check_widths("input_shape", input_shape))
    return (features, *hidden, check_at_least("outputs", outputs, 1))
