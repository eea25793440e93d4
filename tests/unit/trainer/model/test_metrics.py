"""Metrics, compared with scikit-learn's."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score, precision_recall_fscore_support, top_k_accuracy_score

from naiad.trainer.model import metrics


@pytest.fixture
def scores_and_targets():
    generator = torch.Generator().manual_seed(1)
    targets = torch.randint(0, 7, (500,), generator=generator)  # class 7 has no samples
    scores = torch.softmax(torch.randn(500, 8, generator=generator) + 2 * torch.eye(8)[targets], dim=1)
    return scores, targets


def test_confusion_matrix_has_true_classes_as_rows():
    counts = metrics.confusion_matrix(torch.tensor([0, 0, 1]), torch.tensor([0, 2, 1]), 3)
    assert counts.tolist() == [[1, 0, 1], [0, 1, 0], [0, 0, 0]]


def test_class_scores_agree_with_scikit_learn(scores_and_targets):
    scores, targets = scores_and_targets
    counts = metrics.confusion_matrix(targets, scores.argmax(1), 8)
    expected = precision_recall_fscore_support(targets, scores.argmax(1), labels=range(8), zero_division=0)
    for ours, theirs in zip(metrics.class_scores(counts), expected, strict=False):
        np.testing.assert_allclose(ours, theirs)


def test_classification_agrees_with_scikit_learn(scores_and_targets):
    scores, targets = scores_and_targets
    computed = metrics.classification(scores, targets, metrics.confusion_matrix(targets, scores.argmax(1), 8))
    assert computed["accuracy"] == pytest.approx((scores.argmax(1) == targets).double().mean().item())
    assert computed["f1_macro"] == pytest.approx(f1_score(targets, scores.argmax(1), average="macro"))
    assert computed["top5_accuracy"] == pytest.approx(top_k_accuracy_score(targets, scores, k=5, labels=range(8)))


def test_top5_is_left_out_of_few_classes():
    scores = torch.eye(5)
    computed = metrics.classification(
        scores, torch.arange(5), metrics.confusion_matrix(torch.arange(5), scores.argmax(1), 5)
    )
    assert computed == {"accuracy": 1.0, "f1_macro": 1.0}


def test_a_probability_of_zero_gives_a_finite_loss():
    loss = metrics.negative_log_likelihood(torch.tensor([[1.0, 0.0], [0.5, 0.5]]), torch.tensor([1, 0]))
    assert loss == pytest.approx((-math.log(metrics.SMALLEST_NORMAL) + math.log(2)) / 2)


@pytest.mark.parametrize(
    ("values", "targets", "r2"),
    [([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], 1.0), ([2.0, 2.0], [2.0, 2.0], 1.0), ([2.0, 2.0, 2.0], [1.0, 2.0, 3.0], 0.0)],
)
def test_r2_of_a_regression(values, targets, r2):
    assert metrics.regression(torch.tensor(values), torch.tensor(targets))["r2"] == r2


@pytest.mark.parametrize("values", [[1.0], [float("nan"), 1.0], [float("inf"), 1.0]])
def test_regression_without_an_r2(values):
    assert math.isnan(metrics.regression(torch.tensor(values), torch.zeros(len(values)))["r2"])


def test_agreement_does_not_depend_on_the_clusters_numbers():
    targets = np.repeat(np.arange(3), 20)
    assert metrics.cluster_agreement(2 - targets, targets) == {"nmi": pytest.approx(1.0), "ari": 1.0}


def test_agreement_of_many_labels_and_of_one_cluster_does_not_warn():
    assert metrics.cluster_agreement(np.zeros(60, np.int64), np.arange(60))["nmi"] == 0.0


@pytest.mark.parametrize("clusters", [[0, 0, 0, 0], [0, 1, 2, 3]])
def test_no_silhouette_for_one_cluster_or_as_many_as_points(clusters):
    assert metrics.silhouette(np.random.default_rng(0).random((4, 2), np.float32), np.array(clusters)) is None


def test_the_silhouette_of_many_points_uses_a_sample():
    clusters = np.arange(20_000) % 2
    points = np.stack([clusters * 10.0, np.zeros(20_000)], axis=1).astype(np.float32)
    assert metrics.silhouette(points, clusters) == pytest.approx(1.0)
