"""Temperatures from scores whose right one is known."""

import pytest
import torch

from naiad.trainer.model.calibration import MOST_SAMPLES, scaled, temperature


def drawn(samples: int, sureness: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Probabilities ``sureness`` times as sure as they should be, and targets drawn from the right ones."""
    torch.manual_seed(0)
    logits = torch.randn(samples, 5) * 2
    targets = torch.multinomial(torch.softmax(logits, dim=1), 1).flatten()
    return torch.softmax(logits * sureness, dim=1), targets


@pytest.mark.parametrize("sureness", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("samples", [4_000, MOST_SAMPLES + 1_000])
def test_the_temperature_undoes_what_is_too_sure_or_not_sure_enough(samples, sureness):
    scores, targets = drawn(samples, sureness)
    assert temperature(scores, targets) == pytest.approx(sureness, rel=0.1)


def test_scores_that_round_to_nothing_are_no_trouble():
    targets = torch.arange(40) % 2
    scores = torch.eye(2)[targets]
    scores[:4] = 1 - scores[:4]
    assert temperature(scores, targets) > 5


def test_a_few_samples_that_are_all_right_do_not_make_it_sure_of_itself():
    targets = torch.arange(30) % 2
    assert temperature(0.9 * torch.eye(2)[targets] + 0.05, targets) > 0.5


def test_scaling_is_what_the_head_does():
    scores, _ = drawn(20, 1.0)
    logits = torch.randn(20, 5)
    assert torch.allclose(scaled(torch.softmax(logits, dim=1), 2.5), torch.softmax(logits / 2.5, dim=1), atol=1e-6)
    assert torch.equal(scaled(scores, 1.7).argmax(dim=1), scores.argmax(dim=1))
