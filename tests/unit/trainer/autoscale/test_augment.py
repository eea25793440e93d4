"""What may be flipped, asked of nearest neighbours."""

import pytest
import torch
from sklearn.datasets import load_digits

from naiad.trainer.autoscale import augment
from naiad.trainer.autoscale.augment import neighbours_kept
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
    assert neighbours_kept(split, ("flip",), seed=0, count=250) == (1.0, {"flip": 1.0})
    assert (split.samples.read, split.samples.largest) == (250, 111)


def clocked(monkeypatch, seconds):
    """As if reading and shrinking a sample took this long."""
    monkeypatch.setattr(augment, "_seconds_a_sample", lambda _: seconds)


@pytest.mark.parametrize(("budget_s", "looked_at"), [(100.0, True), (8.0, False)])
def test_reading_is_within_the_budget(bench, symmetric, measuring, plan, monkeypatch, budget_s, looked_at):
    clocked(monkeypatch, 0.01)
    measure = measuring(Bench(bench.net, bench.features, bench.loss, symmetric), budget_s=budget_s)
    found = augment.choose(plan(epochs=100), measure)
    assert ("among 600 samples" in str(found.reasons)) == looked_at
    assert (found == plan(epochs=100)) != looked_at


def test_of_a_handful_nothing_is_said(bench, symmetric, measuring, plan):
    few = split_of(symmetric.samples.tensor[:10], symmetric.targets[:10])
    of = Bench(bench.net, bench.features, bench.loss, few)
    assert augment.choose(plan(epochs=100), measuring(of)) == plan(epochs=100)


def test_with_less_time_fewer_are_looked_at(bench, symmetric, measuring, plan, monkeypatch):
    clocked(monkeypatch, 0.001)
    images, labels = symmetric.samples.tensor.repeat(10, 1, 1, 1), symmetric.targets.repeat(10)
    measure = measuring(Bench(bench.net, bench.features, bench.loss, split_of(images, labels)), budget_s=0.5 + 3.0)
    found = dict(augment.choose(plan(epochs=100), measure).reasons)["augment"]
    assert "among 1,4" in found.measured


@pytest.mark.parametrize(("epochs", "taken"), [(100, ("flip",)), (3, ())])
def test_only_where_samples_are_seen_often(bench, symmetric, measuring, plan, epochs, taken):
    of = Bench(bench.net, bench.features, bench.loss, symmetric)
    assert augment.choose(plan(epochs=epochs), measuring(of)).augment == taken


def test_what_changes_the_label_is_not_taken(bench, digits, measuring, plan):
    of = Bench(bench.net, bench.features, bench.loss, digits)
    found = augment.choose(plan(epochs=100), measuring(of))
    assert found.augment == ()
    assert "flip" in dict(found.reasons)["augment"].shown()


def test_tables_are_left_alone(measuring, plan):
    assert augment.choose(plan(epochs=100), measuring()) == plan(epochs=100)
