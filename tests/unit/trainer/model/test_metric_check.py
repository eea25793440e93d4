"""A reported metric is never better than scikit-learn's on the predictions."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from naiad.trainer.artifact.program import RescaleHead
from naiad.trainer.data.dataset import Split, Task, TensorSamples
from naiad.trainer.model.evaluate import evaluate, score_classification
from naiad.trainer.model.metric_check import correct_metrics

CLASSES = np.array(["a", "b", "c"])


def evaluated():
    scores = torch.softmax(torch.randn(60, 3, generator=torch.Generator().manual_seed(0)), dim=1)
    targets = torch.arange(60) % 3
    return score_classification(scores, targets, tuple(CLASSES)), CLASSES[scores.argmax(1)], CLASSES[targets]


def test_right_metrics_stay():
    evaluation, labels, targets = evaluated()
    assert correct_metrics(evaluation, labels, targets) == (evaluation, ())


def test_better_metrics_are_replaced_and_worse_ones_stay():
    evaluation, labels, targets = evaluated()
    right = evaluation.metrics
    wrong = replace(evaluation, metrics={"accuracy": right["accuracy"] + 0.1, "f1_macro": right["f1_macro"] - 0.1})
    corrected, names = correct_metrics(wrong, labels, targets)
    assert names == ("accuracy",)
    assert corrected.metrics == {"accuracy": right["accuracy"], "f1_macro": right["f1_macro"] - 0.1}


def test_predictions_that_are_no_number_are_not_compared():
    values = TensorSamples(torch.tensor([[1.0], [float("nan")]]))
    evaluation = evaluate(
        RescaleHead(0.0, 1.0), Split(values, torch.zeros(2).double(), ["", ""]), task=Task.REGRESSION, classes=()
    )
    assert correct_metrics(evaluation, evaluation.scores, np.zeros(2))[1] == ()


def test_values_whose_differences_float32_loses():
    targets = 1.7e9 + torch.arange(20, dtype=torch.float64)
    head = RescaleHead(float(targets.mean()), float(targets.std(correction=0)), dtype=torch.float64)
    standardised = ((targets - targets.mean()) / targets.std(correction=0)).float().unsqueeze(1)
    evaluation = evaluate(
        head, Split(TensorSamples(standardised), targets, [""] * 20), task=Task.REGRESSION, classes=()
    )
    assert evaluation.scores.dtype == np.float64
    assert evaluation.metrics["r2"] == pytest.approx(1)
    narrow = evaluation.scores.astype(np.float32).astype(np.float64)
    assert correct_metrics(evaluation, narrow, targets.numpy())[1] == ("r2", "mae", "rmse")


def test_clusters():
    evaluation = replace(evaluated()[0], task=Task.CLUSTERING, metrics={"nmi": 1.0, "ari": 0.0})
    corrected, names = correct_metrics(evaluation, np.zeros(60, int), np.arange(60) % 3)
    assert names == ("nmi",)
    assert corrected.metrics == {"nmi": 0.0, "ari": 0.0}


def test_weights_are_scikit_learns_sample_weight():
    scores, targets = torch.eye(3)[torch.arange(60) % 3], torch.tensor([0, 1, 0] * 20)
    weights = torch.tensor([1.0, 2.0, 0.0] * 20).double()
    evaluation = score_classification(scores, targets, tuple(CLASSES), weights)
    assert evaluation.metrics == {"accuracy": 1.0, "f1_macro": 1.0}
    labels, truth = CLASSES[scores.argmax(1)], CLASSES[targets]
    assert correct_metrics(evaluation, labels, truth, weights.numpy()) == (evaluation, ())
    assert correct_metrics(evaluation, labels, truth)[1] == ("accuracy", "f1_macro")
