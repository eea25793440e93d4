"""Scores of simple methods, for each task."""

import json
from dataclasses import replace

import pytest
import torch

from naiad.trainer.data.dataset import Split, Task, TensorSamples
from naiad.trainer.model.baseline import compute_baseline, find_better_method


def values(baseline):
    return {(row["name"], row["metric"]): row["value"] for row in baseline["rows"]}


def test_a_classification_has_two_rows(blobs):
    baseline = compute_baseline(blobs, seed=0)
    assert baseline["split"] == "test"
    assert values(baseline)["majority class", "accuracy"] == pytest.approx(1 / 3, abs=0.05)
    assert values(baseline)["logistic regression", "accuracy"] > 0.7
    json.dumps(baseline, allow_nan=False)


def test_equal_seeds_give_equal_scores(blobs):
    assert compute_baseline(blobs, seed=3) == compute_baseline(blobs, seed=3)


def test_without_a_test_split_the_validation_split_is_scored(blobs):
    assert compute_baseline(replace(blobs, test=None), seed=0)["split"] == "validation"


def test_without_held_out_samples_there_are_no_rows(blobs):
    empty = Split(TensorSamples(torch.zeros(0, 5)), torch.zeros(0, dtype=torch.int64), [])
    assert compute_baseline(replace(blobs, test=None, validation=empty), seed=0)["rows"] == []


def test_wide_inputs_are_projected(blobs):
    def widen(split):
        return replace(split, samples=TensorSamples(split.samples.tensor.repeat(1, 1000)))

    wide = replace(blobs, train=widen(blobs.train), validation=widen(blobs.validation), test=widen(blobs.test))
    assert values(compute_baseline(wide, seed=0))["logistic regression", "accuracy"] > 0.7


def test_a_regression_is_scored_by_r2_and_rmse(blobs):
    def ramp(split):
        return replace(split, targets=3 * split.samples.tensor[:, 0] + 7)

    scores = values(
        compute_baseline(
            replace(blobs, task=Task.REGRESSION, classes=(), train=ramp(blobs.train), test=ramp(blobs.test)), seed=0
        )
    )
    assert scores["mean", "r2"] <= 0
    assert scores["ridge regression", "r2"] > 0.99
    assert scores["ridge regression", "rmse"] < scores["mean", "rmse"]


def test_a_clustering_with_labels_has_agreement_and_silhouette(blobs):
    scores = values(compute_baseline(replace(blobs, task=Task.CLUSTERING), seed=0))
    assert {metric for _, metric in scores} == {"nmi", "ari", "silhouette"}


def test_copies_without_labels_have_no_rows(blobs):
    same = Split(TensorSamples(torch.ones(12, 5)), None, [""] * 12)
    baseline = compute_baseline(replace(blobs, task=Task.CLUSTERING, classes=(), train=same, test=same), seed=0)
    assert baseline["rows"] == []


def test_the_validation_split_is_scored_too(blobs):
    baseline = compute_baseline(blobs, seed=0)
    assert [row["name"] for row in baseline["validation"]] == ["majority class", "logistic regression"]
    alone = compute_baseline(replace(blobs, test=None), seed=0)
    assert alone["validation"] == alone["rows"] == baseline["validation"]


def test_the_best_method_that_validates_better_than_the_network_is_named(blobs):
    baseline = compute_baseline(blobs, seed=0)
    reached = {"samples": 30, "headline": {"metric": "accuracy", "value": 0.1}}
    assert find_better_method(baseline, reached).startswith(
        "logistic regression validates better than the network: accuracy"
    )
    for value in (1.0, None):
        assert find_better_method(baseline, {**reached, "headline": {"metric": "accuracy", "value": value}}) is None
    assert find_better_method({}, reached) is None
