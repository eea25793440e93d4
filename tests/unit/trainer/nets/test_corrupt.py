import pytest
import torch

from naiad.trainer.nets.corrupt import Mask, Move, Noise


@pytest.mark.parametrize("layer", [Mask(0.5), Noise(0.5), Move(0.2)])
def test_only_while_training(layer):
    images = torch.rand(2, 1, 8, 8)
    assert not torch.equal(layer.train()(images), images)
    assert layer(images).shape == images.shape
    assert torch.equal(layer.eval()(images), images)


@pytest.mark.parametrize("layer", [Mask(0), Noise(0), Move(0)])
def test_zero_is_off_and_draws_nothing(layer):
    before = torch.get_rng_state()
    images = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(layer.train()(images), images)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_mask_zeroes_its_part():
    torch.manual_seed(0)
    masked = Mask(0.3)(torch.ones(10_000))
    assert (masked == 0).float().mean() == pytest.approx(0.3, abs=0.02)
    assert masked.max() == 1


def test_each_image_moves_its_own_way():
    torch.manual_seed(0)
    one = torch.rand(1, 1, 8, 8)
    first, second = Move(0.2)(one.expand(2, -1, -1, -1))
    assert not torch.equal(first, second)
