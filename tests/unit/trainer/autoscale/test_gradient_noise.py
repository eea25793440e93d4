"""The gradient noise scale, on gradients whose noise is known."""

import pytest
import torch

from naiad.trainer.autoscale.gradient_noise import efficiency, noise_scale


def gradients(batch_size, count, *, signal, noise, dimensions=20_000):
    """Gradients of a quadratic: one true gradient, and independent noise of each sample."""
    generator = torch.Generator().manual_seed(3)
    true = torch.full((dimensions,), (signal / dimensions) ** 0.5)
    spread = (noise / dimensions / batch_size) ** 0.5
    return [true + spread * torch.randn(dimensions, generator=generator) for _ in range(count)]


@pytest.mark.parametrize(("noise", "batch_size"), [(100.0, 16), (100.0, 64), (2_000.0, 128)])
def test_the_scale_is_the_noise_over_the_signal(noise, batch_size):
    scale = noise_scale(gradients(batch_size, 16, signal=1.0, noise=noise), batch_size)
    assert scale == pytest.approx(noise, rel=0.2)


def test_noise_alone_has_no_scale_or_a_very_large_one():
    scale = noise_scale(gradients(4, 8, signal=0.0, noise=1e6), 4)
    assert scale is None or scale > 100 * 4


@pytest.mark.parametrize("gradient", [torch.ones(50), torch.full((50,), 0.1)])
def test_equal_gradients_have_no_noise(gradient):
    assert noise_scale([gradient] * 8, 32) == pytest.approx(0.0, abs=1e-3)


def test_a_gradient_of_zeros_has_no_scale():
    assert noise_scale([torch.zeros(50)] * 8, 32) is None


def test_half_of_the_progress_is_made_at_the_scale():
    assert efficiency(1_000, 1_000) == pytest.approx(0.5, rel=1e-2)
    assert efficiency(1, 1e9) == efficiency(1, 0.0) == efficiency(1, 100.0) == 1


def test_without_noise_a_batch_makes_the_progress_of_one_sample():
    assert efficiency(64, 0.0) == 1 / 64
