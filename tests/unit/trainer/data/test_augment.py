import pytest
import torch

from naiad.trainer.data.augment import augment


def drawn(seed=0):
    return torch.Generator().manual_seed(seed)


def image_batch(count=64, channels=1, side=28):
    generator = torch.Generator().manual_seed(9)
    return torch.randint(0, 256, (count, channels, side, side), generator=generator, dtype=torch.uint8)


def test_nothing_asked_nothing_done():
    batch = image_batch()
    assert augment(batch, (), drawn()) is batch


@pytest.mark.parametrize("kinds", [("flip",), ("shift",), ("crop",), ("flip", "crop"), ("flip", "shift")])
@pytest.mark.parametrize("channels", [1, 3])
def test_shape_and_type_stay(kinds, channels):
    batch = image_batch(channels=channels)
    changed = augment(batch, kinds, drawn())
    assert changed.shape == batch.shape
    assert changed.dtype == torch.uint8
    assert not torch.equal(changed, batch)


def test_flips_are_drawn_for_each_sample():
    batch = image_batch(200)
    changed = augment(batch, ("flip",), drawn())
    mirrored = (changed == batch.flip(3)).flatten(1).all(1)
    kept = (changed == batch).flatten(1).all(1)
    assert bool((mirrored | kept).all())
    assert 60 < int(mirrored.sum()) < 140


def test_shifts_move_the_whole_picture_and_fill_with_zeros():
    batch = torch.zeros(100, 1, 28, 28, dtype=torch.uint8)
    batch[:, :, 14, 14] = 255
    changed = augment(batch, ("shift",), drawn())
    places = changed.flatten(1).argmax(1)
    assert bool((changed.flatten(1).sum(1) == 255).all())
    rows, columns = places // 28, places % 28
    assert set(rows.tolist()) == set(columns.tolist()) == {12, 13, 14, 15, 16}


def test_channels_move_together():
    batch = image_batch(channels=1).repeat(1, 3, 1, 1)
    changed = augment(batch, ("flip", "crop"), drawn())
    assert torch.equal(changed[:, 0], changed[:, 2])


def test_the_same_generator_gives_the_same_pictures():
    batch = image_batch()
    assert torch.equal(augment(batch, ("flip", "shift"), drawn(4)), augment(batch, ("flip", "shift"), drawn(4)))
