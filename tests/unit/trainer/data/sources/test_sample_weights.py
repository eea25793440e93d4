"""Weights of samples, from their source to the split."""

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from naiad.errors import DataError
from naiad.trainer.data.prepare import DataOptions, prepare
from naiad.trainer.data.sources.open import open_source
from naiad.trainer.data.sources.sample_weights import read_weights

X = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
LABELS = np.arange(20) % 2
WEIGHTS = np.arange(20) / 10


@pytest.mark.parametrize("weights", [WEIGHTS, WEIGHTS.tolist(), torch.from_numpy(WEIGHTS), WEIGHTS[:, None]])
def test_one_number_a_sample(weights: Any) -> None:
    read, findings = read_weights(weights, 20)
    assert read.tolist() == WEIGHTS.tolist()
    assert findings.items[0].message.startswith(
        "samples count in the loss and in the metrics by their weights of 0 to 1.9"
    )


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (WEIGHTS[:5], "20 samples and 5 sample weights"),
        (WEIGHTS - 1, "the sample weight at 0 is -1"),
        (np.full(20, np.nan), "the sample weight at 0 is nan"),
        (np.zeros(20), "all sample weights are 0"),
        (["a"] * 20, "no numbers"),
    ],
)
def test_what_are_no_weights_is_refused(weights: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_weights(weights, 20)


def items(inputs: Any) -> list[Any]:
    return [{"x": inputs(i), "label": int(LABELS[i]), "sample_weight": WEIGHTS[i]} for i in range(20)]


@pytest.mark.parametrize(
    "data",
    [
        (X, LABELS, WEIGHTS),
        items(lambda i: X[i]),
        items(lambda i: Image.fromarray(np.full((4, 4), i, np.uint8))),
    ],
)
def test_weights_stay_with_their_samples(data: Any) -> None:
    dataset = prepare(data)
    for split in (dataset.train, dataset.validation):
        assert split.weights is not None
        places = [int(name.removeprefix("index ")) for name in split.names]
        assert split.weights.tolist() == pytest.approx(WEIGHTS[places].tolist())
    assert "sample-weights" in [item.kind for item in dataset.findings.items]


def test_samples_of_weight_0_are_not_held_out() -> None:
    weights = np.where(np.arange(20) < 6, 1.0, 0.0)
    dataset = prepare((X, LABELS, weights))
    assert len(dataset.train) + len(dataset.validation) == 20
    assert dataset.validation.weights is not None
    assert bool((dataset.validation.weights > 0).all())
    assert dataset.train.weights is not None
    assert bool(dataset.train.weights.any())


def test_other_tuples_of_three_and_clustering_are_refused() -> None:
    with pytest.raises(DataError, match="a tuple of 3 was given"):
        open_source((X, X, X))
    with pytest.raises(DataError, match="clustering does not take"):
        prepare((X, LABELS, WEIGHTS), DataOptions(task="clustering"))
