"""Blocks that the network families are built of.

Shape legend: B batch, C channels, H height, W width, F features.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import Tensor, nn

from naiad.trainer.nets.options import check_choice, check_fraction

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "leaky_relu": nn.LeakyReLU,
    "mish": nn.Mish,
    "relu": nn.ReLU,
    "selu": nn.SELU,
    "sigmoid": nn.Sigmoid,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
}


def make_activation(name: str) -> nn.Module:
    """Raises OptionError for a name that ``ACTIVATIONS`` does not have."""
    return ACTIVATIONS[check_choice("activation", name, ACTIVATIONS)]()


def activation_name(module: nn.Module) -> str | None:
    """Returns the name in ``ACTIVATIONS`` that makes such a module; None where none does."""
    return next(
        (name for name, make in ACTIVATIONS.items() if type(module) is make and repr(module) == repr(make())), None
    )


class ConvBlock(nn.Sequential):
    """(B, in_channels, H, W) in, (B, out_channels, ⌈H / stride⌉, ⌈W / stride⌉) out: 3×3 convolution, BatchNorm, activation."""

    def __init__(self, in_channels: int, out_channels: int, *, stride: int = 1, activation: str = "relu") -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            make_activation(activation),
        )


class ResidualBlock(nn.Module):
    """(B, in_channels, H, W) in, (B, out_channels, ⌈H / stride⌉, ⌈W / stride⌉) out: two convolutions and a shortcut.

    The basic block of He et al. 2015 (arXiv 1512.03385). The shortcut has a 1×1 convolution where the shapes differ. It is
    called ``around`` in stored weights, so the attribute keeps this name.
    """

    def __init__(self, in_channels: int, out_channels: int, *, stride: int = 1, activation: str = "relu") -> None:
        super().__init__()
        self.body = nn.Sequential(
            ConvBlock(in_channels, out_channels, stride=stride, activation=activation),
            nn.Conv2d(out_channels, out_channels, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.around = _shortcut(in_channels, out_channels, stride)
        self.activation = make_activation(activation)

    def forward(self, images_BCHW: Tensor) -> Tensor:
        outputs_BCHW: Tensor = self.activation(self.body(images_BCHW) + self.around(images_BCHW))
        return outputs_BCHW


def _shortcut(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
        nn.BatchNorm2d(out_channels),
    )


class Perceptron(nn.Sequential):
    """(B, sizes[0]) in, (B, sizes[-1]) out: linear layers with an activation, and dropout, between each two."""

    def __init__(self, sizes: Sequence[int], *, activation: str = "relu", dropout: float = 0.0) -> None:
        rate = check_fraction("dropout", dropout)
        layers: list[nn.Module] = []
        for in_features, out_features in pairwise(sizes[:-1]):
            layers += [nn.Linear(in_features, out_features), make_activation(activation)]
            layers += [nn.Dropout(rate)] if rate else []
        super().__init__(*layers, nn.Linear(sizes[-2], sizes[-1]))

    @property
    def last_layer(self) -> nn.Linear:
        layer = self[len(self) - 1]
        assert isinstance(layer, nn.Linear)
        return layer
