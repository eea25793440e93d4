"""The strategy of each task: targets, head and scores."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from naiad.trainer.artifact.program import CentroidHead, RescaleHead, SoftmaxHead
from naiad.trainer.data.dataset import Task
from naiad.trainer.loop.task_strategy import evaluate_split, make_task_strategy


@pytest.fixture
def lengths(blobs):
    """A regression dataset whose targets are the sum of the features, times a hundred."""
    splits = {
        name: replace(getattr(blobs, name), targets=100 * getattr(blobs, name).samples.tensor.sum(dim=1))
        for name in ("train", "validation", "test")
    }
    return replace(blobs, task=Task.REGRESSION, classes=(), **splits)


class HalvingAutoencoder(nn.Module):
    def encode(self, inputs):
        return inputs[:, :2]

    def forward(self, inputs):
        return inputs / 2


def test_a_classification_program_ends_in_probabilities(blobs):
    strategy = make_task_strategy(blobs, seed=0)
    assert strategy.training_split() is blobs.train
    program = strategy.program(nn.Linear(5, 3))
    assert isinstance(program.head, SoftmaxHead)
    validation = strategy.validate(nn.Linear(5, 3))
    assert validation.objective == validation.scores["accuracy"]


def test_regression_learns_standardised_targets_and_gives_the_users_units(lengths):
    strategy = make_task_strategy(lengths, seed=0)
    targets = strategy.training_split().targets
    assert targets.mean().item() == pytest.approx(0, abs=1e-5)
    assert targets.std(correction=0).item() == pytest.approx(1)
    head = strategy.program(nn.Linear(5, 1)).head
    assert isinstance(head, RescaleHead)
    torch.testing.assert_close(head(targets), lengths.train.targets)


def test_a_better_regression_has_a_higher_objective(lengths):
    strategy = make_task_strategy(lengths, seed=0)
    exact, std = nn.Linear(5, 1), lengths.train.targets.std(correction=0)
    with torch.no_grad():
        exact.weight.fill_(100 / std)
        exact.bias.fill_(-lengths.train.targets.mean() / std)
    good = strategy.validate(exact)
    assert good.objective > strategy.validate(nn.Linear(5, 1)).objective
    assert good.scores["r2"] == pytest.approx(1, abs=1e-4)


def test_equal_targets_do_not_divide_by_zero(lengths):
    flat = replace(lengths, train=replace(lengths.train, targets=torch.full((100,), 3.0)))
    assert make_task_strategy(flat, seed=0).training_split().targets.abs().max() == 0


def test_clustering_does_not_use_labels(blobs):
    strategy = make_task_strategy(replace(blobs, task=Task.CLUSTERING), seed=0, clusters=3)
    assert strategy.training_split().targets is None
    net = HalvingAutoencoder()
    assert isinstance(strategy.program(net).head, CentroidHead)
    validation = strategy.validate(net)
    inputs = blobs.validation.samples.tensor
    assert validation.scores["loss"] == pytest.approx((inputs / 2).square().mean().item(), rel=1e-5)
    assert validation.objective == -validation.scores["loss"]


def test_without_a_validation_split_there_are_no_scores(blobs):
    empty = replace(blobs, validation=replace(blobs.validation, samples=[], targets=None, names=[]))
    assert make_task_strategy(empty, seed=0).validate(nn.Linear(5, 3)).scores == {}


def test_evaluation_is_of_the_given_split(blobs):
    program = make_task_strategy(blobs, seed=0).program(nn.Linear(5, 3))
    assert evaluate_split(program, blobs, blobs.test).samples == 30


def test_a_corrupt_target_of_weight_0_neither_scales_the_others_nor_chooses_the_best_epoch(lengths):
    def corrupt(split):
        targets, weights = split.targets.clone(), torch.ones(len(split))
        targets[:2], weights[:2] = 1e6, 0
        return replace(split, targets=targets, weights=weights)

    dataset = replace(lengths, train=corrupt(lengths.train), validation=corrupt(lengths.validation))
    strategy = make_task_strategy(dataset, seed=0)
    learnt = strategy.training_split().targets
    assert learnt[2:, 0].std(correction=0).item() == pytest.approx(1, abs=1e-3)
    result = strategy.validate(nn.Linear(5, 1))
    assert result.objective == -result.scores["loss"]
    assert result.scores["rmse"] < 10_000
