import json
from dataclasses import replace

import pytest
import torch
from torch import nn

from naiad.errors import DataError
from naiad.trainer.artifact.program import Encode, Nearest, Probabilities, Program, Values
from naiad.trainer.data.dataset import Split, Task, TensorSamples
from naiad.trainer.model.evaluate import evaluate


def split(inputs, targets):
    return Split(TensorSamples(inputs), targets, [f"index {index}" for index in range(len(inputs))])


def classify(program, part, classes=("a", "b", "c")):
    return evaluate(program, part, task=Task.CLASSIFICATION, classes=classes)


class Halves(nn.Module):
    """Embeds (B, 4) as its first two numbers; reconstructs the rest as zeros."""

    def encode(self, inputs):
        return inputs[:, :2]

    def forward(self, inputs):
        return torch.cat([self.encode(inputs), torch.zeros_like(inputs[:, 2:])], dim=1)


def test_classification():
    logits = torch.tensor([[9.0, 0, 0], [0, 9.0, 0], [0, 9.0, 0], [9.0, 0, 0]])
    targets = torch.tensor([0, 1, 0, 0])
    evaluation = classify(Probabilities(), split(logits, targets))
    assert evaluation.headline == ("accuracy", 0.75)
    assert evaluation.confusion.tolist() == [[2, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert evaluation.loss == pytest.approx(nn.functional.cross_entropy(logits, targets).item(), rel=1e-5)
    last = evaluation.per_class[2]
    assert (last.name, last.precision, last.recall, last.f1, last.support) == ("c", 0.0, 0.0, 0.0, 0)
    assert evaluation.scores.shape == (4, 3)


def test_means_are_over_samples_not_batches(blobs):
    program = Program(blobs.features, nn.Linear(5, 3), Probabilities())
    whole = classify(program, blobs.test)
    parts = evaluate(program, blobs.test, task=blobs.task, classes=blobs.classes, batch_size=7)
    assert parts.loss == pytest.approx(whole.loss)
    assert parts.metrics == whole.metrics


def test_a_split_of_one_class_does_not_warn():
    assert classify(Probabilities(), split(torch.eye(3), torch.zeros(3, dtype=torch.int64))).metrics["accuracy"] > 0


def test_the_mode_is_put_back_module_by_module():
    net = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5), nn.BatchNorm1d(3))
    net.train()
    net[2].eval()
    before = net[2].running_mean.clone()
    program = Program(nn.Identity(), net, Probabilities())
    part = split(torch.eye(3), torch.arange(3))
    assert classify(program, part).loss == classify(program, part).loss
    assert [module.training for module in net] == [True, True, False]
    assert torch.equal(net[2].running_mean, before)


def test_an_exported_program_is_scored_as_the_one_that_it_came_from():
    program = Program(nn.Identity(), nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5)), Probabilities()).eval()
    batch = {0: torch.export.Dim("batch", min=1, max=64)}
    exported = torch.export.export(program, (torch.zeros(2, 3),), dynamic_shapes=(batch,)).module()
    part = split(torch.eye(3), torch.arange(3))
    assert classify(exported, part).loss == pytest.approx(classify(program, part).loss)


def test_regression():
    values = torch.tensor([[-1.0], [0.0], [1.0]])
    evaluation = evaluate(
        Values(10.0, 2.0), split(values, torch.tensor([8.0, 10.0, 13.0])), task=Task.REGRESSION, classes=()
    )
    assert evaluation.scores.tolist() == [8.0, 10.0, 12.0]
    assert evaluation.loss == pytest.approx(1 / 3)
    assert evaluation.metrics["rmse"] == pytest.approx((1 / 3) ** 0.5)
    assert evaluation.headline[0] == "r2"


@pytest.fixture
def clustered():
    """Two clusters, and a program that knows their centres."""
    targets = torch.arange(40) % 2
    inputs = torch.zeros(40, 4)
    inputs[:, 0] = targets * 5.0 + torch.linspace(0, 0.1, 40)
    inputs[:, 2] = 2.0
    return Program(nn.Identity(), Encode(Halves()), Nearest(torch.tensor([[0.0, 0.0], [5.0, 0.0]]))), split(
        inputs, targets
    )


def test_clustering(clustered):
    program, part = clustered
    evaluation = evaluate(program, part, task=Task.CLUSTERING, classes=("x", "y"))
    assert evaluation.headline == ("nmi", pytest.approx(1.0))
    assert evaluation.metrics["silhouette"] > 0.9
    assert evaluation.loss == pytest.approx(1.0)  # one number of four is wrong by two
    assert evaluation.confusion is None


def test_clustering_without_labels(clustered):
    program, part = clustered
    evaluation = evaluate(program, replace(part, targets=None), task=Task.CLUSTERING, classes=())
    assert set(evaluation.metrics) == {"silhouette"}


def test_clustering_by_a_program_that_cannot_be_taken_apart(clustered):
    program, part = clustered
    evaluation = evaluate(nn.Sequential(program), replace(part, targets=None), task=Task.CLUSTERING, classes=())
    assert evaluation.metrics == {}
    assert evaluation.headline == ("loss", evaluation.loss)
    assert evaluation.loss == pytest.approx(float((1 - evaluation.scores.max(axis=1)).mean()), abs=1e-6)


def test_json_has_no_scores_and_no_nan():
    part = split(torch.tensor([[float("nan")]]), torch.tensor([1.0]))
    values = evaluate(Values(0.0, 1.0), part, task=Task.REGRESSION, classes=()).to_json()
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
def test_targets_that_cannot_be_scored(targets, message):
    with pytest.raises(DataError, match=message):
        classify(Probabilities(), split(torch.eye(3), targets))


def test_an_empty_split():
    with pytest.raises(DataError, match="no samples"):
        classify(Probabilities(), split(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64)))
