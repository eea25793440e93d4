"""Whether images may be flipped, by their nearest neighbours."""

from dataclasses import replace

import pytest
import torch
from sklearn.datasets import load_digits

from naiad.trainer.autoscale import augment
from naiad.trainer.autoscale.augment import neighbour_accuracy
from naiad.trainer.autoscale.budget import BudgetError
from naiad.trainer.data.dataset import Split, TensorSamples


def split_of(images, labels):
    return Split(TensorSamples(images), labels, ["x"] * len(images))


@pytest.fixture(scope="module")
def digits():
    images, labels = load_digits(return_X_y=True)
    return split_of(torch.tensor(images * 16).clamp(0, 255).byte().reshape(-1, 1, 8, 8), torch.tensor(labels))


@pytest.fixture(scope="module")
def symmetric():
    """Two classes that look the same in a mirror: a bar across, a bar down the middle."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(600) % 2
    images = torch.randint(0, 60, (600, 1, 16, 16), generator=generator)
    images[labels == 0, :, 6:10, :] += 150
    images[labels == 1, :, :, 6:10] += 150
    return split_of(images.byte(), labels)


def test_a_mirrored_digit_is_another_digit(digits):
    unchanged, by_kind = neighbour_accuracy(digits, ("flip",), seed=0)
    assert unchanged > 0.95
    assert by_kind["flip"] < 0.6 * unchanged


def test_a_symmetric_image_keeps_its_label(symmetric):
    unchanged, by_kind = neighbour_accuracy(symmetric, ("flip",), seed=0)
    assert by_kind["flip"] > 0.98 * unchanged


def test_equal_seeds_give_equal_results(digits):
    assert neighbour_accuracy(digits, ("flip",), seed=1) == neighbour_accuracy(digits, ("flip",), seed=1)


class Watched:
    """Large images, made when they are read."""

    sample_shape, dtype, in_memory, fixed = torch.Size([3, 224, 224]), torch.uint8, False, True

    def __init__(self, length):
        self.length, self.largest, self.read = length, 0, 0

    def __len__(self):
        return self.length

    def take(self, indices):
        self.largest, self.read = max(self.largest, len(indices)), self.read + len(indices)
        return (indices % 200).byte()[:, None, None, None].expand(-1, *self.sample_shape)


def large(length):
    return Split(Watched(length), torch.arange(length) % 200 // 100, ["x"] * length)


def test_few_images_are_in_memory_at_once():
    split = large(400)
    assert neighbour_accuracy(split, ("flip",), seed=0, count=250) == (1.0, {"flip": 1.0})
    assert (split.samples.read, split.samples.largest) == (250, 111)


def clocked(monkeypatch, seconds):
    """Pretends that reading and shrinking a sample took this long."""
    monkeypatch.setattr(augment, "_seconds_per_sample", lambda _: seconds)


def test_reading_is_within_the_budget(probe, symmetric, make_setup, choose, plan, monkeypatch):
    clocked(monkeypatch, 0.01)
    with_images = replace(probe, split=symmetric)
    after = choose(augment, plan(epochs=100), make_setup(with_images, budget_s=100.0))
    assert "among 600 samples" in after.reason("augment").measured
    with pytest.raises(BudgetError):
        choose(augment, plan(epochs=100), make_setup(with_images, budget_s=8.0))


def test_a_handful_of_images_is_not_measured(probe, symmetric, make_setup, choose, plan):
    few = split_of(symmetric.samples.tensor[:10], symmetric.targets[:10])
    assert choose(augment, plan(epochs=100), make_setup(replace(probe, split=few))) == plan(epochs=100)


def test_with_less_time_fewer_images_are_compared(probe, symmetric, make_setup, choose, plan, monkeypatch):
    clocked(monkeypatch, 0.001)
    images, labels = symmetric.samples.tensor.repeat(10, 1, 1, 1), symmetric.targets.repeat(10)
    setup = make_setup(replace(probe, split=split_of(images, labels)), budget_s=0.5 + 3.0)
    assert "among 1,4" in choose(augment, plan(epochs=100), setup).reason("augment").measured


@pytest.mark.parametrize(("epochs", "kinds"), [(100, ("flip",)), (3, ())])
def test_flips_are_chosen_only_where_samples_are_seen_often(probe, symmetric, make_setup, choose, plan, epochs, kinds):
    setup = make_setup(replace(probe, split=symmetric))
    assert choose(augment, plan(epochs=epochs), setup).augment == kinds


def test_a_change_of_the_label_is_not_chosen(probe, digits, make_setup, choose, plan):
    after = choose(augment, plan(epochs=100), make_setup(replace(probe, split=digits)))
    assert after.augment == ()
    assert "flip" in after.reason("augment").format_measurements()


def test_tables_are_not_measured(make_setup, choose, plan):
    assert choose(augment, plan(epochs=100), make_setup()) == plan(epochs=100)
