"""What may be flipped, asked of nearest neighbours."""

import pytest
import torch
from sklearn.datasets import load_digits

from naiad.trainer.autoscale import augmentation
from naiad.trainer.autoscale.augmentation import neighbours_kept
from naiad.trainer.autoscale.bench import Bench
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


def test_a_mirrored_digit_is_another(digits):
    unchanged, kept = neighbours_kept(digits, ("flip",), seed=0)
    assert unchanged > 0.95
    assert kept["flip"] < 0.6 * unchanged


def test_what_is_symmetric_stays_what_it_is(symmetric):
    unchanged, kept = neighbours_kept(symmetric, ("flip",), seed=0)
    assert kept["flip"] > 0.98 * unchanged


def test_the_same_seed_asks_the_same(digits):
    assert neighbours_kept(digits, ("flip",), seed=1) == neighbours_kept(digits, ("flip",), seed=1)


@pytest.mark.parametrize(("epochs", "taken"), [(100, ("flip",)), (3, ())])
def test_only_where_samples_are_seen_often(bench, symmetric, measuring, plan, epochs, taken):
    of = Bench(bench.net, bench.features, bench.loss, symmetric)
    assert augmentation.choose(plan(epochs=epochs), measuring(of)).augment == taken


def test_what_changes_the_label_is_not_taken(bench, digits, measuring, plan):
    of = Bench(bench.net, bench.features, bench.loss, digits)
    found = augmentation.choose(plan(epochs=100), measuring(of))
    assert found.augment == ()
    assert "flip" in dict(found.reasons)["augment"].shown()


def test_tables_are_left_alone(measuring, plan):
    assert augmentation.choose(plan(epochs=100), measuring()) == plan(epochs=100)
