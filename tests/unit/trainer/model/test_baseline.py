import json
from dataclasses import replace

import pytest
import torch

from naiad.trainer.data.dataset import Split, Task, TensorSamples
from naiad.trainer.model.baseline import baseline


def values(found):
    return {(row["name"], row["metric"]): row["value"] for row in found["rows"]}


def test_classification(blobs):
    found = baseline(blobs, seed=0)
    assert found["split"] == "test"
    assert values(found)["majority class", "accuracy"] == pytest.approx(1 / 3, abs=0.05)
    assert values(found)["logistic regression", "accuracy"] > 0.7
    json.dumps(found, allow_nan=False)


def test_the_same_seed_gives_the_same(blobs):
    assert baseline(blobs, seed=3) == baseline(blobs, seed=3)


def test_without_a_test_split_the_validation_split_is_scored(blobs):
    assert baseline(replace(blobs, test=None), seed=0)["split"] == "validation"


def test_without_any_held_out_sample_there_are_no_rows(blobs):
    empty = Split(TensorSamples(torch.zeros(0, 5)), torch.zeros(0, dtype=torch.int64), [])
    assert baseline(replace(blobs, test=None, validation=empty), seed=0)["rows"] == []


def test_wide_inputs_are_projected(blobs):
    def widened(split):
        return replace(split, samples=TensorSamples(split.samples.tensor.repeat(1, 1000)))

    wide = replace(blobs, train=widened(blobs.train), test=widened(blobs.test))
    assert values(baseline(wide, seed=0))["logistic regression", "accuracy"] > 0.7


def test_regression(blobs):
    def ramp(split):
        return replace(split, targets=3 * split.samples.tensor[:, 0] + 7)

    found = values(
        baseline(
            replace(blobs, task=Task.REGRESSION, classes=(), train=ramp(blobs.train), test=ramp(blobs.test)), seed=0
        )
    )
    assert found["mean", "r2"] <= 0
    assert found["ridge regression", "r2"] > 0.99
    assert found["ridge regression", "rmse"] < found["mean", "rmse"]


def test_clustering_with_labels(blobs):
    found = values(baseline(replace(blobs, task=Task.CLUSTERING), seed=0))
    assert {metric for _, metric in found} == {"nmi", "ari", "silhouette"}


def test_clustering_without_labels_and_with_copies_only(blobs):
    same = Split(TensorSamples(torch.ones(12, 5)), None, [""] * 12)
    found = baseline(replace(blobs, task=Task.CLUSTERING, classes=(), train=same, test=same), seed=0)
    assert found["rows"] == []
