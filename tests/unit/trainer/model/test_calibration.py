"""Temperatures of scores for which the right one is known."""

import pytest
import torch

from naiad.trainer.model.calibration import MAX_SAMPLES, apply_temperature, fit_temperature


def draw(samples: int, sharpness: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Probabilities whose logits are ``sharpness`` times too large, and targets drawn from the right probabilities."""
    torch.manual_seed(0)
    logits = torch.randn(samples, 5) * 2
    targets = torch.multinomial(torch.softmax(logits, dim=1), 1).flatten()
    return torch.softmax(logits * sharpness, dim=1), targets


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("samples", [4_000, MAX_SAMPLES + 1_000])
def test_the_temperature_corrects_the_scale_of_the_logits(samples, sharpness):
    scores, targets = draw(samples, sharpness)
    assert fit_temperature(scores, targets) == pytest.approx(sharpness, rel=0.1)


def test_scores_of_zero_are_allowed():
    targets = torch.arange(40) % 2
    scores = torch.eye(2)[targets]
    scores[:4] = 1 - scores[:4]
    assert fit_temperature(scores, targets) > 5


def test_a_few_samples_that_are_all_right_do_not_give_a_low_temperature():
    targets = torch.arange(30) % 2
    assert fit_temperature(0.9 * torch.eye(2)[targets] + 0.05, targets) > 0.5


def test_applying_a_temperature_equals_the_heads_result():
    scores, _ = draw(20, 1.0)
    logits = torch.randn(20, 5)
    assert torch.allclose(
        apply_temperature(torch.softmax(logits, dim=1), 2.5), torch.softmax(logits / 2.5, dim=1), atol=1e-6
    )
    assert torch.equal(apply_temperature(scores, 1.7).argmax(dim=1), scores.argmax(dim=1))


def test_samples_of_weight_0_do_not_count():
    targets = torch.arange(200) % 2
    scores = 0.9 * torch.eye(2)[targets] + 0.05
    wrong = torch.where(torch.arange(200) < 80, 1 - targets, targets)
    weights = (torch.arange(200) >= 80).double()
    assert fit_temperature(scores, wrong) > 2 * fit_temperature(scores, wrong, weights)
    assert fit_temperature(scores, targets, torch.ones(200).double()) == fit_temperature(scores, targets)
