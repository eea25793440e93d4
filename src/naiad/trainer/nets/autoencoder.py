"""Autoencoders for clustering: they learn an embedding that k-means can cluster, without labels.

They are denoising autoencoders (Vincent et al. 2008): in training mode the input is corrupted, and the network reconstructs the
clean input. Their embeddings lie on a sphere, so k-means compares directions. In eval mode nothing is random.

Shape legend: B batch, C channels, H height, W width, F features, D embedding size.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from naiad.trainer.nets.blocks import ConvBlock, Perceptron
from naiad.trainer.nets.corrupt import GaussianNoise, RandomAffine, RandomMask
from naiad.trainer.nets.options import check_at_least, check_image_shape, check_widths

MAX_LAST_MAP_SIDE = 7
"""Feature maps are halved until neither side is longer."""
MAX_CHANNELS = 128


class SphereNorm(nn.Module):
    """(B, D) in, (B, D) out, each row scaled to length √D."""

    def forward(self, embeddings_BD: Tensor) -> Tensor:
        return F.normalize(embeddings_BD, dim=1) * math.sqrt(embeddings_BD.shape[1])


class Autoencoder(nn.Module):
    """Corrupts, encodes and reconstructs its input.

    corrupt: keeps the input's shape. encoder: (B, D) out. noise: standard deviation of the noise on the embedding.
    decoder: (B, D) in, the input's shape out.
    """

    def __init__(self, encoder: nn.Module, decoder: nn.Module, *, corrupt: nn.Module, noise: float) -> None:
        super().__init__()
        self.corrupt = corrupt
        self.encoder = encoder
        self.noise = GaussianNoise(noise)
        self.decoder = decoder

    def encode(self, inputs: Tensor) -> Tensor:
        """Returns (B, D)."""
        embeddings_BD: Tensor = self.encoder(inputs)
        return embeddings_BD

    def forward(self, inputs: Tensor) -> Tensor:
        embeddings_BD = self.encode(self.corrupt(inputs))
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
    """Returns an autoencoder of linear layers for (B, *input_shape).

    latent: embedding size. hidden: widths of the encoder's layers. mask: fraction of the input set to zero.
    noise: standard deviation on the embedding. Raises OptionError.
    """
    shape = check_widths("input_shape", input_shape)
    sizes = (math.prod(shape), *check_widths("hidden", hidden), check_at_least("latent", latent, 2))
    encoder = nn.Sequential(nn.Flatten(), Perceptron(sizes, activation=activation), SphereNorm())
    decoder = nn.Sequential(Perceptron(sizes[::-1], activation=activation), nn.Unflatten(1, shape))
    return Autoencoder(encoder, decoder, corrupt=RandomMask(mask), noise=noise)


def image_autoencoder(
    input_shape: Sequence[int],
    *,
    latent: int = 10,
    channels: int = 32,
    activation: str = "relu",
    mask: float = 0.3,
    affine: float = 0.15,
    noise: float = 0.5,
) -> Autoencoder:
    """Returns a convolutional autoencoder for (B, C, H, W).

    channels: of the first feature maps, doubled at each halving. affine: standard deviation of the random affine map, in
    halves of a side. latent, mask, noise: as for ``flat_autoencoder``. Raises NetworkError, OptionError.
    """
    shape = check_image_shape(input_shape, "conv-autoencoder")
    latent = check_at_least("latent", latent, 2)
    channels = check_at_least("channels", channels, 1)
    map_sizes = _map_sizes(shape[1], shape[2])
    widths = [shape[0], *(min(MAX_CHANNELS, channels * 2**level) for level in range(len(map_sizes)))]
    last_shape = (widths[-1], *map_sizes[-1])
    encoder = nn.Sequential(
        *_encoder_blocks(widths, activation), nn.Flatten(), nn.Linear(math.prod(last_shape), latent), SphereNorm()
    )
    decoder = nn.Sequential(
        nn.Linear(latent, math.prod(last_shape)),
        nn.Unflatten(1, last_shape),
        *_decoder_blocks(widths, map_sizes, activation),
    )
    corrupt = nn.Sequential(RandomAffine(affine), RandomMask(mask))
    return Autoencoder(encoder, decoder, corrupt=corrupt, noise=noise)


def _map_sizes(height: int, width: int) -> list[tuple[int, int]]:
    """Returns (H, W) of the image and of each smaller feature map."""
    sizes = [(height, width)]
    while max(sizes[-1]) > MAX_LAST_MAP_SIDE:
        sizes.append(((sizes[-1][0] + 1) // 2, (sizes[-1][1] + 1) // 2))
    return sizes


def _encoder_blocks(widths: list[int], activation: str) -> list[nn.Module]:
    """widths: channels of the image, then of the feature maps."""
    strides = [1, *[2] * (len(widths) - 2)]
    return [
        ConvBlock(in_channels, out_channels, stride=stride, activation=activation)
        for (in_channels, out_channels), stride in zip(pairwise(widths), strides, strict=True)
    ]


def _decoder_blocks(widths: list[int], map_sizes: list[tuple[int, int]], activation: str) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for level in range(len(map_sizes) - 1, 0, -1):
        block = ConvBlock(widths[level + 1], widths[level], activation=activation)
        layers += [nn.Upsample(size=map_sizes[level - 1]), block]
    return [*layers, nn.Conv2d(widths[1], widths[0], kernel_size=3, padding=1)]
