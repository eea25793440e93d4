"""The layout of arrays follows from what the network takes."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from naiad.errors import DataError
from naiad.trainer.data.dataset import Dataset
from naiad.trainer.data.features.array import ArraySchema
from naiad.trainer.data.features.image import ImageSchema
from naiad.trainer.data.features.tokens import TokenSchema
from naiad.trainer.data.prepare import DataOptions, prepare
from naiad.trainer.nets.network_input import describe_network_input

rng = np.random.default_rng(0)
LABELS = np.arange(20) % 2
SERIES = rng.normal(size=(20, 6, 4)).astype(np.float32)
TOKENS = rng.integers(0, 50, (20, 10))


class Recurrent(nn.Module):
    def __init__(self, layer: nn.Module | None = None) -> None:
        super().__init__()
        self.layer = nn.LSTM(4, 8, batch_first=True) if layer is None else layer
        self.out = nn.Linear(8, 2)

    def forward(self, inputs: Tensor) -> Tensor:
        hidden: Tensor = self.out(self.layer(inputs)[0][:, -1])
        return hidden


class Words(nn.Module):
    def __init__(self, count: int = 50) -> None:
        super().__init__()
        self.words, self.out = nn.Embedding(count, 8), nn.Linear(8, 2)

    def forward(self, ids: Tensor) -> Tensor:
        scores: Tensor = self.out(self.words(ids).mean(1))
        return scores


class CastWords(Words):
    """A network that makes ids of whatever it gets."""

    def forward(self, ids: Tensor) -> Tensor:
        return super().forward(ids.long())


class Mixed(nn.Module):
    """A network with a category in its first column, and numbers in the others."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.out = nn.Embedding(50, 8), nn.Linear(17, 2)

    def forward(self, values: Tensor) -> Tensor:
        scores: Tensor = self.out(torch.cat([self.words(values[:, 0].long()), values[:, 1:]], 1))
        return scores


class Attention(nn.Module):
    """A network whose first layer decides nothing, and whose last axis must be the sequence's features."""

    def __init__(self) -> None:
        super().__init__()
        self.project, self.out = nn.Linear(4, 8), nn.Linear(8, 2)
        self.encode = nn.TransformerEncoderLayer(8, 2, dim_feedforward=16, batch_first=True)

    def forward(self, inputs: Tensor) -> Tensor:
        scores: Tensor = self.out(self.encode(self.project(inputs)).mean(1))
        return scores


def convolution(channels: int, steps: int) -> nn.Module:
    return nn.Sequential(nn.Conv1d(channels, 3, 2), nn.Flatten(), nn.Linear(3 * (steps - 1), 2))


def prepare_for(net: Any, inputs: Any, **options: Any) -> Dataset:
    return prepare((inputs, LABELS), DataOptions(**options), network=describe_network_input(net))


def kinds(dataset: Dataset) -> list[str]:
    return [item.kind for item in dataset.findings.items if item.kind == "input-layout"]


@pytest.mark.parametrize(
    "net", [Recurrent(), Recurrent, Recurrent(nn.GRU(4, 8, batch_first=True)), Attention(), convolution(6, 4)]
)
def test_sequences_reach_networks_of_sequences(net: Any) -> None:
    dataset = prepare_for(net, SERIES)
    assert isinstance(dataset.schema, ArraySchema)
    assert (dataset.schema.shape, dataset.schema.is_sequence) == ((6, 4), True)
    assert kinds(dataset) == ["input-layout"]


def test_features_of_a_sequence_are_standardised_each_by_itself() -> None:
    scaled = SERIES * np.array([1, 10, 100, 1000], np.float32)
    by_feature = prepare_for(Recurrent(), scaled)
    inputs = by_feature.features(by_feature.train.samples.take(torch.arange(len(by_feature.train))))
    assert inputs.std(dim=(0, 1), correction=0).tolist() == pytest.approx([1, 1, 1, 1], abs=1e-3)
    by_channel = prepare_for(convolution(4, 6), scaled.transpose(0, 2, 1))
    inputs = by_channel.features(by_channel.train.samples.take(torch.arange(len(by_channel.train))))
    assert inputs.std(dim=(0, 2), correction=0).tolist() == pytest.approx([1, 1, 1, 1], abs=1e-3)


@pytest.mark.parametrize("ids", [TOKENS, TOKENS.astype(np.float64), TOKENS.astype(np.int32), TOKENS.astype(np.uint8)])
def test_token_ids_reach_an_embedding(ids: Any) -> None:
    dataset = prepare_for(Words(), ids)
    assert dataset.schema == TokenSchema((10,), 50)
    batch = dataset.features(dataset.train.samples.take(torch.arange(3)))
    assert batch.dtype is torch.int64


def test_ids_stay_ids_where_the_network_casts_its_input() -> None:
    dataset = prepare_for(CastWords(), TOKENS.astype(np.float32))
    assert dataset.schema == TokenSchema((10,), 50)
    assert kinds(dataset) == ["input-layout"]


def test_numbers_beside_a_category_are_no_ids() -> None:
    numbers = np.concatenate([TOKENS[:, :1], 100 * TOKENS], axis=1)[:, :10]
    assert isinstance(prepare_for(Mixed(), numbers).schema, ArraySchema)


def test_whole_numbers_below_zero_are_a_sequence() -> None:
    dataset = prepare_for(Recurrent(), rng.integers(-5, 6, (20, 6, 4)))
    assert isinstance(dataset.schema, ArraySchema)
    assert dataset.schema.is_sequence


def test_ids_that_the_embedding_does_not_have_are_refused() -> None:
    with pytest.raises(DataError, match="reach 49, but the network's Embedding has ids from 0 to 39") as caught:
        prepare_for(Words(40), np.where(TOKENS > 45, 49, TOKENS % 40))
    assert "num_embeddings=50" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("net", "inputs", "schema"),
    [
        (nn.Sequential(nn.Flatten(), nn.LazyLinear(2)), SERIES, ArraySchema),
        (nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.LazyLinear(2)), SERIES, ArraySchema),
        (nn.Linear(10, 2), TOKENS, ArraySchema),
        (None, SERIES, ArraySchema),
        ("mlp", TOKENS, ArraySchema),
        (nn.Sequential(nn.Flatten(), nn.LazyLinear(2)), rng.integers(0, 255, (20, 8, 8), dtype=np.uint8), ImageSchema),
    ],
)
def test_the_default_stays_where_the_network_takes_it(net: Any, inputs: Any, schema: type) -> None:
    dataset = prepare_for(net, inputs)
    assert isinstance(dataset.schema, schema)
    assert not getattr(dataset.schema, "is_sequence", False)
    assert kinds(dataset) == []


def test_counts_in_three_axes_are_no_pixels() -> None:
    dataset = prepare_for(nn.Sequential(nn.Flatten(), nn.LazyLinear(2)), rng.integers(0, 200, (20, 12, 4)))
    assert isinstance(dataset.schema, ArraySchema)
    assert dataset.schema.encode(np.full((2, 12, 4), 900)).max() == 900


def test_a_layout_that_is_set_is_kept() -> None:
    assert isinstance(prepare_for(None, rng.integers(0, 200, (20, 12, 4)), as_="image").schema, ImageSchema)
    sequence = prepare_for(nn.Sequential(nn.Flatten(), nn.LazyLinear(2)), SERIES, as_="sequence").schema
    assert (sequence.sample_shape, sequence.feature_axis) == ((6, 4), 1)  # type: ignore[attr-defined]
    assert prepare_for(None, TOKENS, as_="tokens").schema == TokenSchema((10,), int(TOKENS.max()) + 1)
    with pytest.raises(DataError, match="as_ is tokens"):
        prepare_for(None, SERIES, as_="tokens")
