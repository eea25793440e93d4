"""Evaluations of programs, for each task."""

import json
from dataclasses import replace

import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score, log_loss, top_k_accuracy_score
from torch import nn

from naiad.errors import DataError
from naiad.trainer.artifact.program import CentroidHead, Encoder, Program, RescaleHead, SoftmaxHead
from naiad.trainer.data.dataset import Split, Task, TensorSamples
from naiad.trainer.model.evaluate import evaluate


def split(inputs, targets):
    return Split(TensorSamples(inputs), targets, [f"index {index}" for index in range(len(inputs))])


def classify(program, samples, classes=("a", "b", "c")):
    return evaluate(program, samples, task=Task.CLASSIFICATION, classes=classes)


class HalfAutoencoder(nn.Module):
    """Embeds (B, 4) as its first two numbers, and reconstructs the others as zeros."""

    def encode(self, inputs):
        return inputs[:, :2]

    def forward(self, inputs):
        return torch.cat([self.encode(inputs), torch.zeros_like(inputs[:, 2:])], dim=1)


def test_a_classification_has_scores_of_each_class():
    logits = torch.tensor([[9.0, 0, 0], [0, 9.0, 0], [0, 9.0, 0], [9.0, 0, 0]])
    targets = torch.tensor([0, 1, 0, 0])
    evaluation = classify(SoftmaxHead(), split(logits, targets))
    assert evaluation.headline == ("accuracy", 0.75)
    assert evaluation.confusion.tolist() == [[2, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert evaluation.loss == pytest.approx(nn.functional.cross_entropy(logits, targets).item(), rel=1e-5)
    last = evaluation.per_class[2]
    assert (last.name, last.precision, last.recall, last.f1, last.support) == ("c", 0.0, 0.0, 0.0, 0)
    assert evaluation.scores.shape == (4, 3)


def test_means_are_over_samples_not_batches(blobs):
    program = Program(blobs.features, nn.Linear(5, 3), SoftmaxHead())
    whole = classify(program, blobs.test)
    batched = evaluate(program, blobs.test, task=blobs.task, classes=blobs.classes, batch_size=7)
    assert batched.loss == pytest.approx(whole.loss)
    assert batched.metrics == whole.metrics


def test_a_split_of_one_class_does_not_warn():
    assert classify(SoftmaxHead(), split(torch.eye(3), torch.zeros(3, dtype=torch.int64))).metrics["accuracy"] > 0


def test_every_module_keeps_its_mode():
    net = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5), nn.BatchNorm1d(3))
    net.train()
    net[2].eval()
    before = net[2].running_mean.clone()
    program = Program(nn.Identity(), net, SoftmaxHead())
    samples = split(torch.eye(3), torch.arange(3))
    assert classify(program, samples).loss == classify(program, samples).loss
    assert [module.training for module in net] == [True, True, False]
    assert torch.equal(net[2].running_mean, before)


def test_an_exported_program_has_the_scores_of_the_original():
    program = Program(nn.Identity(), nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5)), SoftmaxHead()).eval()
    batch = {0: torch.export.Dim("batch", min=1, max=64)}
    exported = torch.export.export(program, (torch.zeros(2, 3),), dynamic_shapes=(batch,)).module()
    samples = split(torch.eye(3), torch.arange(3))
    assert classify(exported, samples).loss == pytest.approx(classify(program, samples).loss)


def test_a_regression_is_evaluated_in_the_targets_units():
    values = torch.tensor([[-1.0], [0.0], [1.0]])
    evaluation = evaluate(
        RescaleHead(10.0, 2.0), split(values, torch.tensor([8.0, 10.0, 13.0])), task=Task.REGRESSION, classes=()
    )
    assert evaluation.scores.tolist() == [8.0, 10.0, 12.0]
    assert evaluation.loss == pytest.approx(1 / 3)
    assert evaluation.metrics["rmse"] == pytest.approx((1 / 3) ** 0.5)
    assert evaluation.headline[0] == "r2"


@pytest.fixture
def cluster_program():
    """A program that has the centroids of two clusters, and their samples."""
    targets = torch.arange(40) % 2
    inputs = torch.zeros(40, 4)
    inputs[:, 0] = targets * 5.0 + torch.linspace(0, 0.1, 40)
    inputs[:, 2] = 2.0
    return Program(
        nn.Identity(), Encoder(HalfAutoencoder()), CentroidHead(torch.tensor([[0.0, 0.0], [5.0, 0.0]]))
    ), split(inputs, targets)


def test_a_clustering_with_labels_has_agreement(cluster_program):
    program, samples = cluster_program
    evaluation = evaluate(program, samples, task=Task.CLUSTERING, classes=("x", "y"))
    assert evaluation.headline == ("nmi", pytest.approx(1.0))
    assert evaluation.metrics["silhouette"] > 0.9
    assert evaluation.loss == pytest.approx(1.0)  # one number of four is wrong by two
    assert evaluation.confusion is None


def test_a_clustering_without_labels_has_a_silhouette(cluster_program):
    program, samples = cluster_program
    evaluation = evaluate(program, replace(samples, targets=None), task=Task.CLUSTERING, classes=())
    assert set(evaluation.metrics) == {"silhouette"}


def test_a_clustering_program_without_an_encoder_has_a_loss(cluster_program):
    program, samples = cluster_program
    evaluation = evaluate(nn.Sequential(program), replace(samples, targets=None), task=Task.CLUSTERING, classes=())
    assert evaluation.metrics == {}
    assert evaluation.headline == ("loss", evaluation.loss)
    assert evaluation.loss == pytest.approx(float((1 - evaluation.scores.max(axis=1)).mean()), abs=1e-6)


def test_json_has_no_scores_and_no_nan():
    samples = split(torch.tensor([[float("nan")]]), torch.tensor([1.0]))
    values = evaluate(RescaleHead(0.0, 1.0), samples, task=Task.REGRESSION, classes=()).to_json()
    assert values["loss"] is None
    assert values["headline"] == {"metric": "r2", "value": None}
    assert "scores" not in values
    json.dumps(values, allow_nan=False)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (None, "the samples have no targets, and classification is scored against them"),
        (torch.tensor([0, 1, 3]), "targets run from 0 to 3, and there are 3 classes"),
        (torch.tensor([0, 1, -1]), "targets run from -1 to 1, and there are 3 classes"),
    ],
)
def test_unsuitable_targets_are_refused(targets, message):
    with pytest.raises(DataError, match=message):
        classify(SoftmaxHead(), split(torch.eye(3), targets))


def test_an_empty_split_is_refused():
    with pytest.raises(DataError, match="no samples"):
        classify(SoftmaxHead(), split(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64)))


def test_metrics_and_loss_count_samples_by_their_weights():
    generator = torch.Generator().manual_seed(0)
    scores, targets = torch.randn(80, 7, generator=generator), torch.arange(80) % 7
    weights = torch.rand(80, generator=generator) * (torch.arange(80) % 3 > 0)
    evaluation = classify(SoftmaxHead(), replace(split(scores, targets), weights=weights), classes=tuple("abcdefg"))
    predicted, factors = scores.argmax(1).numpy(), weights.double().numpy()
    accuracy = accuracy_score(targets, predicted, sample_weight=factors)
    assert evaluation.metrics["accuracy"] == pytest.approx(accuracy)
    assert evaluation.metrics["f1_macro"] == pytest.approx(
        f1_score(targets, predicted, average="macro", sample_weight=factors)
    )
    assert evaluation.metrics["top5_accuracy"] == pytest.approx(
        top_k_accuracy_score(targets, scores, k=5, sample_weight=factors)
    )
    assert evaluation.loss == pytest.approx(log_loss(targets, torch.softmax(scores.double(), 1), sample_weight=factors))
    assert evaluation.confusion.sum() == 80


def test_a_value_of_weight_0_does_not_count():
    values, targets = torch.tensor([[1.0], [2.0], [9.0]]), torch.tensor([1.0, 3.0, 1000.0]).double()
    samples = replace(split(values, targets), weights=torch.tensor([1.0, 1.0, 0.0]))
    evaluation = evaluate(RescaleHead(0.0, 1.0), samples, task=Task.REGRESSION, classes=())
    assert evaluation.loss == 0.5
    assert evaluation.metrics == pytest.approx({"r2": 0.5, "mae": 0.5, "rmse": 0.5**0.5})
    unweighted = evaluate(
        RescaleHead(0.0, 1.0), replace(samples, weights=torch.zeros(3)), task=Task.REGRESSION, classes=()
    )
    assert unweighted.metrics["mae"] == pytest.approx(992 / 3)
