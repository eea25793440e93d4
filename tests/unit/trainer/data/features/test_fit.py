"""Features modules, and the samples that their statistics are computed from."""

import numpy as np
import pyarrow as pa
import pytest
import torch

from naiad.errors import OptionError
from naiad.trainer.data.dataset import TensorSamples
from naiad.trainer.data.features.array import ArrayFeatures, ArraySchema
from naiad.trainer.data.features.fit import fit_input_features, format_statistics
from naiad.trainer.data.features.image import ImageFeatures, ImageSchema
from naiad.trainer.data.features.sampling import MAX_STREAMED_SAMPLES, statistics_indices
from naiad.trainer.data.features.table import TableFeatures
from naiad.trainer.data.prepare import DataOptions, prepare


@pytest.mark.parametrize(
    ("schema", "samples", "module_class"),
    [
        (ImageSchema(1, 4, 4), torch.zeros((5, 1, 4, 4), dtype=torch.uint8), ImageFeatures),
        (ArraySchema((3,)), torch.rand(5, 3), ArrayFeatures),
    ],
)
def test_each_schema_has_its_module(schema, samples, module_class):
    assert type(fit_input_features(schema, TensorSamples(samples), seed=0)) is module_class


def test_a_table_has_table_features():
    table = pa.table({"x": np.random.default_rng(0).random(40), "y": [0, 1] * 20})
    assert type(prepare(table, DataOptions(label="y")).features) is TableFeatures


class Streamed:
    in_memory = False

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count


def test_streamed_samples_are_drawn_by_the_seed():
    indices = statistics_indices(Streamed(50_000), seed=1)
    assert len(indices) == MAX_STREAMED_SAMPLES == len(indices.unique())
    assert torch.equal(indices, statistics_indices(Streamed(50_000), seed=1))
    assert not torch.equal(indices, statistics_indices(Streamed(50_000), seed=2))
    assert torch.equal(indices, indices.sort().values)


def test_few_samples_and_those_in_memory_are_all_used():
    assert len(statistics_indices(Streamed(100), seed=0)) == 100
    assert len(statistics_indices(TensorSamples(torch.zeros(20_000, 1)), seed=0)) == 20_000


def test_without_normalisation_pixels_are_scaled_to_one_and_numbers_stay():
    pixels = torch.tensor([0, 51, 255], dtype=torch.uint8).view(3, 1, 1, 1)
    features = fit_input_features(ImageSchema(1, 1, 1), TensorSamples(pixels), seed=0, normalise=False)
    torch.testing.assert_close(features(pixels).flatten(), torch.tensor([0.0, 0.2, 1.0]))
    numbers = torch.tensor([[7.0, float("nan")], [900.0, 3.0]])
    identity = fit_input_features(ArraySchema((2,)), TensorSamples(numbers), seed=0, normalise=False)
    assert identity(numbers).tolist() == [[7.0, 0.0], [900.0, 3.0]]


def test_a_table_is_always_normalised():
    table = pa.table({"x": np.random.default_rng(0).random(40), "y": [0, 1] * 20})
    with pytest.raises(OptionError, match="a table's columns have units of their own"):
        prepare(table, DataOptions(label="y", normalise=False))


def test_statistics_as_text():
    pixels = torch.tensor([[10, 0], [30, 0]], dtype=torch.uint8).view(2, 2, 1, 1)
    images = fit_input_features(ImageSchema(2, 1, 1), TensorSamples(pixels), seed=0)
    assert format_statistics(images) == "mean 20 deviation 10, mean 0 deviation 1 of 0…255"
    two_columns = fit_input_features(ArraySchema((2,)), TensorSamples(torch.tensor([[0.0, 5.0], [4.0, 5.0]])), seed=0)
    assert format_statistics(two_columns) == "mean 2 deviation 2, mean 5 deviation 1"
    many = torch.arange(12.0).view(2, 6) * torch.arange(6)
    text = format_statistics(fit_input_features(ArraySchema((6,)), TensorSamples(many), seed=0))
    assert text == "6 columns: mean 0…40, deviation 1…15"
    table = pa.table({"x": [1.0, 3.0] * 20, "y": [0, 1] * 20})
    assert str(format_statistics(prepare(table, DataOptions(label="y")).features)).startswith("mean 2")
    assert format_statistics(torch.nn.Identity()) is None
