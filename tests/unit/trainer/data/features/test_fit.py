"""The features module that fits a schema, and the samples that its statistics are taken from."""

import numpy as np
import pyarrow as pa
import pytest
import torch

from naiad.trainer.data.dataset import TensorSamples
from naiad.trainer.data.features.array import ArrayFeatures, ArraySchema
from naiad.trainer.data.features.choice import STREAMED_SAMPLES, samples_for_statistics
from naiad.trainer.data.features.fit import fit_input_features
from naiad.trainer.data.features.image import ImageFeatures, ImageSchema
from naiad.trainer.data.features.table import TableFeatures
from naiad.trainer.data.prepare import prepare


@pytest.mark.parametrize(
    ("schema", "samples", "kind"),
    [
        (ImageSchema(1, 4, 4), torch.zeros((5, 1, 4, 4), dtype=torch.uint8), ImageFeatures),
        (ArraySchema((3,)), torch.rand(5, 3), ArrayFeatures),
    ],
)
def test_a_module_a_kind(schema, samples, kind):
    assert type(fit_input_features(schema, TensorSamples(samples), seed=0)) is kind


def test_a_table_has_its_own():
    table = pa.table({"x": np.random.default_rng(0).random(40), "y": [0, 1] * 20})
    assert type(prepare(table, label="y").features) is TableFeatures


class Streamed:
    in_memory = False

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count


def test_streamed_samples_are_chosen_by_the_seed():
    chosen = samples_for_statistics(Streamed(50_000), seed=1)
    assert len(chosen) == STREAMED_SAMPLES == len(chosen.unique())
    assert torch.equal(chosen, samples_for_statistics(Streamed(50_000), seed=1))
    assert not torch.equal(chosen, samples_for_statistics(Streamed(50_000), seed=2))
    assert torch.equal(chosen, chosen.sort().values)


def test_all_of_few_or_held():
    assert len(samples_for_statistics(Streamed(100), seed=0)) == 100
    assert len(samples_for_statistics(TensorSamples(torch.zeros(20_000, 1)), seed=0)) == 20_000
