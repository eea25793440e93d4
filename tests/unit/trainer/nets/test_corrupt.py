"""Random corruption of inputs, in training mode only."""

import pytest
import torch

from naiad.trainer.nets.corrupt import GaussianNoise, RandomAffine, RandomMask


@pytest.mark.parametrize("layer", [RandomMask(0.5), GaussianNoise(0.5), RandomAffine(0.2)])
def test_inputs_are_corrupted_only_in_training_mode(layer):
    images = torch.rand(2, 1, 8, 8)
    assert not torch.equal(layer.train()(images), images)
    assert layer(images).shape == images.shape
    assert torch.equal(layer.eval()(images), images)


@pytest.mark.parametrize("layer", [RandomMask(0), GaussianNoise(0), RandomAffine(0)])
def test_zero_uses_no_random_numbers(layer):
    before = torch.get_rng_state()
    images = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(layer.train()(images), images)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_mask_zeroes_its_fraction():
    torch.manual_seed(0)
    masked = RandomMask(0.3)(torch.ones(10_000))
    assert (masked == 0).float().mean() == pytest.approx(0.3, abs=0.02)
    assert masked.max() == 1


def test_each_image_has_its_own_affine_map():
    torch.manual_seed(0)
    image = torch.rand(1, 1, 8, 8)
    first, second = RandomAffine(0.2)(image.expand(2, -1, -1, -1))
    assert not torch.equal(first, second)
