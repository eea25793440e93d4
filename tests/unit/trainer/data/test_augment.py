"""Augmentation: random numbers of its own for each image, from the generator that is passed in."""

import pytest
import torch

from naiad.trainer.data.augment import augment


def seeded_generator(seed=0):
    return torch.Generator().manual_seed(seed)


def image_batch(count=64, channels=1, side=28):
    return torch.randint(0, 256, (count, channels, side, side), generator=seeded_generator(9), dtype=torch.uint8)


def test_no_kind_changes_nothing():
    batch = image_batch()
    assert augment(batch, (), seeded_generator()) is batch


@pytest.mark.parametrize("kinds", [("flip",), ("shift",), ("crop",), ("flip", "crop"), ("flip", "shift")])
@pytest.mark.parametrize("channels", [1, 3])
def test_shape_and_type_stay(kinds, channels):
    batch = image_batch(channels=channels)
    augmented = augment(batch, kinds, seeded_generator())
    assert augmented.shape == batch.shape
    assert augmented.dtype == torch.uint8
    assert not torch.equal(augmented, batch)


def test_flips_are_drawn_for_each_sample():
    batch = image_batch(200)
    augmented = augment(batch, ("flip",), seeded_generator())
    is_mirrored = (augmented == batch.flip(3)).flatten(1).all(1)
    is_unchanged = (augmented == batch).flatten(1).all(1)
    assert bool((is_mirrored | is_unchanged).all())
    assert 60 < int(is_mirrored.sum()) < 140


def test_shifts_move_the_whole_image_and_fill_with_zeros():
    batch = torch.zeros(100, 1, 28, 28, dtype=torch.uint8)
    batch[:, :, 14, 14] = 255
    augmented = augment(batch, ("shift",), seeded_generator())
    positions = augmented.flatten(1).argmax(1)
    assert bool((augmented.flatten(1).sum(1) == 255).all())
    rows, columns = positions // 28, positions % 28
    assert set(rows.tolist()) == set(columns.tolist()) == {12, 13, 14, 15, 16}


def test_channels_move_together():
    batch = image_batch(channels=1).repeat(1, 3, 1, 1)
    augmented = augment(batch, ("flip", "crop"), seeded_generator())
    assert torch.equal(augmented[:, 0], augmented[:, 2])


def test_the_same_generator_gives_the_same_images():
    batch, kinds = image_batch(), ("flip", "shift")
    assert torch.equal(augment(batch, kinds, seeded_generator(4)), augment(batch, kinds, seeded_generator(4)))
