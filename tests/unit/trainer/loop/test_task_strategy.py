"""What each task asks of the loop."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from naiad.trainer.artifact.program import Nearest, Probabilities, Values
from naiad.trainer.data.dataset import Task
from naiad.trainer.loop.task_strategy import evaluate_split, recipe_for


@pytest.fixture
def lengths(blobs):
    """A regression: the sum of the features, times a hundred."""
    parts = {
        name: replace(getattr(blobs, name), targets=100 * getattr(blobs, name).samples.tensor.sum(dim=1))
        for name in ("train", "validation", "test")
    }
    return replace(blobs, task=Task.REGRESSION, classes=(), **parts)


class Halves(nn.Module):
    def encode(self, inputs):
        return inputs[:, :2]

    def forward(self, inputs):
        return inputs / 2


def test_classification_ends_in_probabilities(blobs):
    recipe = recipe_for(blobs, seed=0)
    assert recipe.training_split() is blobs.train
    program = recipe.program(nn.Linear(5, 3))
    assert isinstance(program.head, Probabilities)
    validation = recipe.validate(nn.Linear(5, 3))
    assert validation.objective == validation.scores["accuracy"]


def test_regression_learns_standardised_targets_and_gives_the_users_units(lengths):
    recipe = recipe_for(lengths, seed=0)
    targets = recipe.training_split().targets
    assert targets.mean().item() == pytest.approx(0, abs=1e-5)
    assert targets.std(correction=0).item() == pytest.approx(1)
    head = recipe.program(nn.Linear(5, 1)).head
    assert isinstance(head, Values)
    torch.testing.assert_close(head(targets), lengths.train.targets)


def test_a_better_regression_has_a_higher_objective(lengths):
    recipe = recipe_for(lengths, seed=0)
    exact, std = nn.Linear(5, 1), lengths.train.targets.std(correction=0)
    with torch.no_grad():
        exact.weight.fill_(100 / std)
        exact.bias.fill_(-lengths.train.targets.mean() / std)
    good = recipe.validate(exact)
    assert good.objective > recipe.validate(nn.Linear(5, 1)).objective
    assert good.scores["r2"] == pytest.approx(1, abs=1e-4)


def test_equal_targets_do_not_divide_by_zero(lengths):
    flat = replace(lengths, train=replace(lengths.train, targets=torch.full((100,), 3.0)))
    assert recipe_for(flat, seed=0).training_split().targets.abs().max() == 0


def test_clustering_never_sees_the_labels(blobs):
    recipe = recipe_for(replace(blobs, task=Task.CLUSTERING), seed=0, clusters=3)
    assert recipe.training_split().targets is None
    net = Halves()
    assert isinstance(recipe.program(net).head, Nearest)
    validation = recipe.validate(net)
    inputs = blobs.validation.samples.tensor
    assert validation.scores["loss"] == pytest.approx((inputs / 2).square().mean().item(), rel=1e-5)
    assert validation.objective == -validation.scores["loss"]


def test_without_a_validation_split_there_is_nothing_to_score(blobs):
    empty = replace(blobs, validation=replace(blobs.validation, samples=[], targets=None, names=[]))
    assert recipe_for(empty, seed=0).validate(nn.Linear(5, 3)).scores == {}


def test_evaluation_is_of_the_given_split(blobs):
    program = recipe_for(blobs, seed=0).program(nn.Linear(5, 3))
    assert evaluate_split(program, blobs, blobs.test).samples == 30
