"""Results that validate worse than the trivial ones are pulled towards them."""

import pytest
import torch

from naiad.trainer.artifact.program import BlendHead, SoftmaxHead
from naiad.trainer.model.trivial_guard import fit_class_weight, fit_shrinkage

PRIOR = torch.tensor([0.7, 0.3])


def test_scores_that_beat_the_most_frequent_class_stay():
    targets = torch.tensor([0, 0, 1])
    assert fit_class_weight(torch.eye(2)[targets], targets, PRIOR) == 1.0


def test_scores_that_are_worse_are_blended_until_they_are_not():
    targets = torch.tensor([0, 0, 0, 1])
    wrong = torch.eye(2)[1 - targets]
    assert fit_class_weight(wrong, targets, PRIOR) == 0.25, "the most frequent class is predicted again"
    unsure = torch.tensor([[0.45, 0.55]]).expand(4, 2)
    assert fit_class_weight(unsure, targets, PRIOR) == 0.75


def test_values_without_a_relation_to_the_targets_become_the_mean():
    values = torch.tensor([1.0, -1.0]).repeat(100) + 5
    assert fit_shrinkage(values, 10 - values, 5.0) == 0.0
    assert fit_shrinkage(values, values, 5.0) == 1.0
    assert fit_shrinkage(values, 5 + (values - 5) / 2, 5.0) == pytest.approx(0.5, abs=0.02)


def test_a_few_samples_shrink_more_and_constant_values_not_at_all():
    values, noise = torch.tensor([1.0, -1.0, 1.0, -1.0]), torch.tensor([1.0, 1.0, -1.0, -1.0])
    few = fit_shrinkage(values, values + noise, 0.0)
    assert few == pytest.approx(0.75)
    assert few < fit_shrinkage(values.repeat(20), (values + noise).repeat(20), 0.0) < 1
    assert fit_shrinkage(torch.zeros(4), values, 0.0) == 1.0


def test_samples_count_by_their_weights():
    targets, scores = torch.tensor([0, 0, 0, 1]), torch.tensor([[0.45, 0.55]]).expand(4, 2)
    assert fit_class_weight(scores, targets, PRIOR, torch.tensor([0.0, 0.0, 0.0, 1.0])) == 1.0
    assert fit_class_weight(scores, targets, PRIOR, torch.ones(4)) == 0.75
    values = torch.tensor([1.0, -1.0]).repeat(200)
    half = torch.arange(400) < 200
    wanted = torch.where(half, values, -values)
    assert fit_shrinkage(values, wanted, 0.0, half.float()) == 1.0
    assert fit_shrinkage(values, wanted, 0.0, 1.0 - half.float()) == 0.0


def test_a_blended_head_is_a_softmax_until_its_weight_falls():
    logits = torch.randn(5, 2)
    head = BlendHead(PRIOR)
    assert torch.equal(head(logits), SoftmaxHead()(logits))
    head.weight.fill_(0.0)
    torch.testing.assert_close(head(logits), PRIOR.expand(5, 2))
