"""Autoencoders for clustering: an embedding that k-means can cut, learned without labels.

Two things make it one. While training, the input is spoiled (a part of the numbers put to zero, noise on the embedding;
images are also moved a little) and the clean input is asked for: a denoising autoencoder, Vincent et al. 2008. And
embeddings lie on a sphere, so k-means compares directions. In eval mode nothing is random.

Shape legend: B batch, C channels, H height, W width, F features, D embedding size.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol

import torch.nn.functional as F
from torch import Tensor, nn

from naiad.trainer.nets.blocks import ConvBlock, Perceptron
from naiad.trainer.nets.corrupt import Mask, Move, Noise
from naiad.trainer.nets.options import at_least, fraction, image_shape, widths

SMALLEST_MAP = 7
"""Images are halved until neither side is longer than this."""
MOST_CHANNELS = 128


class AutoEncoding(Protocol):
    """What clustering needs of a network: an embedding, and the input back from it."""

    def encode(self, inputs: Tensor) -> Tensor:
        """(B, …) in, (B, D) out."""

    def __call__(self, inputs: Tensor) -> Tensor:
        """(B, …) in, the reconstruction out: the same shape."""


class Sphere(nn.Module):
    """(B, D) in, (B, D) out, each row of length √D."""

    def forward(self, embeddings_BD: Tensor) -> Tensor:
        return F.normalize(embeddings_BD, dim=1) * math.sqrt(embeddings_BD.shape[1])


class Autoencoder(nn.Module):
    """Spoils its input, encodes, decodes. ``encoder`` gives (B, D), ``decoder`` takes it and gives the input's shape."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module, *, spoil: nn.Module, noise: float) -> None:
        super().__init__()
        self.spoil = spoil
        self.encoder = encoder
        self.noise = Noise(noise)
        self.decoder = decoder

    def encode(self, inputs: Tensor) -> Tensor:
        embeddings_BD: Tensor = self.encoder(inputs)
        return embeddings_BD

    def forward(self, inputs: Tensor) -> Tensor:
        embeddings_BD = self.encode(self.spoil(inputs))
        reconstruction: Tensor = self.decoder(self.noise(embeddings_BD))
        return reconstruction


def flat_autoencoder(
    input_shape: Sequence[int],
    *,
    latent: int = 10,
    hidden: Sequence[int] = (512, 128),
    activation: str = "relu",
    mask: float = 0.5,
    noise: float = 0.5,
) -> Autoencoder:
    """For (B, *input_shape) of any shape. mask: part of the numbers put to zero; noise: deviation on the embedding."""
    shape = widths("input_shape", input_shape)
    sizes = (math.prod(shape), *widths("hidden", hidden), at_least("latent", latent, 2))
    encoder = nn.Sequential(nn.Flatten(), Perceptron(sizes, activate=activation), Sphere())
    decoder = nn.Sequential(Perceptron(sizes[::-1], activate=activation), nn.Unflatten(1, shape))
    return Autoencoder(encoder, decoder, spoil=Mask(fraction("mask", mask)), noise=noise)


def image_autoencoder(
    input_shape: Sequence[int],
    *,
    latent: int = 10,
    channels: int = 32,
    activation: str = "relu",
    mask: float = 0.3,
    move: float = 0.15,
    noise: float = 0.5,
) -> Autoencoder:
    """For (B, C, H, W). channels: of the first maps, doubled at each halving.

    move: how far images are shifted, turned and scaled while training, as a part of their side. mask, noise: as above.
    """
    shape = image_shape(input_shape, "conv-autoencoder")
    latent = at_least("latent", latent, 2)
    sides = _sides(shape[1], shape[2])
    maps = [
        shape[0],
        *(min(MOST_CHANNELS, at_least("channels", channels, 1) * 2**level) for level in range(len(sides))),
    ]
    smallest = (maps[-1], *sides[-1])
    encoder = nn.Sequential(*_down(maps, activation), nn.Flatten(), nn.Linear(math.prod(smallest), latent), Sphere())
    decoder = nn.Sequential(
        nn.Linear(latent, math.prod(smallest)), nn.Unflatten(1, smallest), *_up(maps, sides, activation)
    )
    spoil = nn.Sequential(Move(move), Mask(fraction("mask", mask)))
    return Autoencoder(encoder, decoder, spoil=spoil, noise=noise)


def _sides(height: int, width: int) -> list[tuple[int, int]]:
    """(H, W) of each map, from the image's own on."""
    sides = [(height, width)]
    while max(sides[-1]) > SMALLEST_MAP:
        sides.append(((sides[-1][0] + 1) // 2, (sides[-1][1] + 1) // 2))
    return sides


def _down(maps: list[int], activation: str) -> list[nn.Module]:
    strides = [1, *[2] * (len(maps) - 2)]
    return [
        ConvBlock(before, after, stride=stride, activate=activation)
        for (before, after), stride in zip(pairwise(maps), strides, strict=True)
    ]


def _up(maps: list[int], sides: list[tuple[int, int]], activation: str) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for level in range(len(sides) - 1, 0, -1):
        layers += [nn.Upsample(size=sides[level - 1]), ConvBlock(maps[level + 1], maps[level], activate=activation)]
    return [*layers, nn.Conv2d(maps[1], maps[0], kernel_size=3, padding=1)]
