"""The loss function of each task is a mean over the samples."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from naiad.trainer.data.dataset import Task
from naiad.trainer.optim.losses import class_weights, join_weights, make_loss, split_weights


def test_classification_is_cross_entropy_of_logits():
    logits, targets = torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 0])
    expected = -torch.log_softmax(logits, dim=1)[:, 0].mean()
    torch.testing.assert_close(make_loss(Task.CLASSIFICATION)(nn.Identity(), logits, targets), expected)


def test_classification_smooths_labels():
    logits, targets = torch.randn(4, 3), torch.tensor([0, 1, 2, 0])
    loss = make_loss(Task.CLASSIFICATION, label_smoothing=0.2)(nn.Identity(), logits, targets)
    torch.testing.assert_close(loss, F.cross_entropy(logits, targets, label_smoothing=0.2))


@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_regression_takes_outputs_of_either_shape(shape):
    outputs = torch.tensor([1.0, 2.0, 3.0]).reshape(shape)
    assert make_loss(Task.REGRESSION)(nn.Identity(), outputs, torch.tensor([1.0, 2.0, 6.0])).item() == 3.0


def test_clustering_reconstructs_its_input():
    inputs = torch.randn(5, 4)
    assert make_loss(Task.CLUSTERING)(nn.Identity(), inputs, None).item() == 0.0


def test_class_weights_balance_samples_or_classes():
    targets = torch.tensor([0] * 6 + [1] * 2 + [3] * 2)
    assert class_weights(targets, 4, 0.0).tolist() == pytest.approx([1, 1, 0, 1])
    equal = class_weights(targets, 4, 1.0)
    assert equal.tolist() == pytest.approx([10 / 18, 10 / 6, 0, 10 / 6])
    assert equal[targets].mean().item() == pytest.approx(1)
    half = class_weights(targets, 4, 0.5)
    assert equal[1] / equal[0] > half[1] / half[0] > 1


def test_the_loss_weighs_samples_by_class():
    logits, targets = torch.randn(4, 3), torch.tensor([0, 1, 2, 0])
    loss = make_loss(Task.CLASSIFICATION, class_weights_K=torch.tensor([2.0, 0.0, 1.0]))(nn.Identity(), logits, targets)
    losses = F.cross_entropy(logits, targets, reduction="none")
    torch.testing.assert_close(loss, (2 * losses[0] + losses[2] + 2 * losses[3]) / 4)


def test_weights_are_joined_with_the_targets_and_have_a_mean_of_one() -> None:
    targets, weights = torch.tensor([2, 0, 1]), torch.tensor([0.0, 1.0, 5.0])
    assert join_weights(targets, None) is targets
    joined, scaled = split_weights(join_weights(targets, weights))
    assert joined.tolist() == [2, 0, 1]
    assert scaled is not None
    assert scaled.tolist() == [0, 0.5, 2.5]
    assert split_weights(targets)[1] is None


@pytest.mark.parametrize("task", [Task.CLASSIFICATION, Task.REGRESSION])
def test_a_weight_of_two_counts_as_the_sample_twice(task: Task) -> None:
    torch.manual_seed(0)
    inputs = torch.randn(4, 3)
    net = torch.nn.Linear(3, 3 if task is Task.CLASSIFICATION else 1)
    targets = torch.tensor([0, 2, 1, 1]) if task is Task.CLASSIFICATION else torch.randn(4)
    weighted = make_loss(task)(net, inputs, join_weights(targets, torch.tensor([2.0, 1.0, 1.0, 0.0])))
    repeated = torch.tensor([0, 0, 1, 2])
    assert weighted.item() == pytest.approx(make_loss(task)(net, inputs[repeated], targets[repeated]).item())


class Members(nn.Module):
    """Two members: its input, and twice its input."""

    def forward(self, inputs):
        return 1.5 * inputs

    def member_outputs(self, inputs):
        return torch.stack([inputs, 2 * inputs])


@pytest.mark.parametrize("weights", [None, torch.tensor([1.0, 3.0])])
def test_the_loss_of_a_network_with_members_is_their_mean_loss(weights):
    logits, classes = torch.tensor([[2.0, 0.0], [0.0, 1.0]]), join_weights(torch.tensor([0, 0]), weights)
    loss = make_loss(Task.CLASSIFICATION, class_weights_K=torch.tensor([1.0, 2.0]))
    alone = [loss(nn.Identity(), logits * factor, classes) for factor in (1, 2)]
    torch.testing.assert_close(loss(Members(), logits, classes), sum(alone) / 2)
    values = join_weights(torch.tensor([1.0, -1.0]), weights)
    loss = make_loss(Task.REGRESSION)
    alone = [loss(nn.Identity(), logits[:, :1] * factor, values) for factor in (1, 2)]
    torch.testing.assert_close(loss(Members(), logits[:, :1], values), sum(alone) / 2)
