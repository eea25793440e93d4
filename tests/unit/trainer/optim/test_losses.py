"""A mean over the samples for each task."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from naiad.trainer.data.dataset import Task
from naiad.trainer.optim.losses import class_weights, loss_for


def test_classification_is_cross_entropy_of_logits():
    logits, targets = torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 0])
    expected = -torch.log_softmax(logits, dim=1)[:, 0].mean()
    torch.testing.assert_close(loss_for(Task.CLASSIFICATION)(nn.Identity(), logits, targets), expected)


def test_label_smoothing_is_part_of_it():
    logits, targets = torch.randn(4, 3), torch.tensor([0, 1, 2, 0])
    got = loss_for(Task.CLASSIFICATION, label_smoothing=0.2)(nn.Identity(), logits, targets)
    torch.testing.assert_close(got, F.cross_entropy(logits, targets, label_smoothing=0.2))


@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_regression_takes_a_column_or_a_row(shape):
    outputs = torch.tensor([1.0, 2.0, 3.0]).reshape(shape)
    assert loss_for(Task.REGRESSION)(nn.Identity(), outputs, torch.tensor([1.0, 2.0, 6.0])).item() == 3.0


def test_clustering_reconstructs_its_input():
    inputs = torch.randn(5, 4)
    assert loss_for(Task.CLUSTERING)(nn.Identity(), inputs, None).item() == 0.0


def test_weights_balance_samples_or_classes():
    targets = torch.tensor([0] * 6 + [1] * 2 + [3] * 2)
    assert class_weights(targets, 4, 0.0).tolist() == pytest.approx([1, 1, 0, 1])
    alike = class_weights(targets, 4, 1.0)
    assert alike.tolist() == pytest.approx([10 / 18, 10 / 6, 0, 10 / 6])
    assert alike[targets].mean().item() == pytest.approx(1)
    half = class_weights(targets, 4, 0.5)
    assert alike[1] / alike[0] > half[1] / half[0] > 1


def test_a_weight_is_what_a_sample_counts():
    logits, targets = torch.randn(4, 3), torch.tensor([0, 1, 2, 0])
    got = loss_for(Task.CLASSIFICATION, weights_K=torch.tensor([2.0, 0.0, 1.0]))(nn.Identity(), logits, targets)
    apart = F.cross_entropy(logits, targets, reduction="none")
    torch.testing.assert_close(got, (2 * apart[0] + apart[2] + 2 * apart[3]) / 4)
