import random

import numpy as np
import pytest
import torch

from naiad.errors import OptionError
from naiad.trainer.data.batches import Feed, Share, epoch_order, steps_per_epoch
from naiad.trainer.data.dataset import Split, TensorSamples
from naiad.trainer.machine.seeding import RandomState


class Streamed:
    """The same samples as TensorSamples, told to be on disk."""

    fixed = True

    def __init__(self, tensor):
        self.tensor = tensor
        self.sample_shape, self.dtype, self.in_memory = tensor.shape[1:], tensor.dtype, False

    def __len__(self):
        return len(self.tensor)

    def take(self, indices):
        return self.tensor[indices]


class Drawn(Streamed):
    """As a Dataset with a random transform gives them."""

    fixed = False

    def take(self, indices):
        jitter = random.random() + np.random.random()  # noqa: NPY002  # reason: what transforms draw from
        return self.tensor[indices] + torch.rand(len(indices), 1) + jitter


def split_of(count, *, streamed=False):
    tensor = torch.arange(count, dtype=torch.float32)[:, None]
    samples = Streamed(tensor) if streamed else TensorSamples(tensor)
    return Split(samples, torch.arange(count), [f"index {i}" for i in range(count)])


def test_an_epoch_holds_every_sample_once():
    feed = Feed(split_of(103), batch_size=10, seed=3)
    seen = torch.cat([batch.indices for batch in feed.epoch(0)])
    assert sorted(seen.tolist()) == list(range(103))


def test_batches_differ_by_at_most_one_sample():
    sizes = {len(batch) for batch in Feed(split_of(101), batch_size=50, seed=0).epoch(0)}
    assert sizes == {33, 34}


def test_inputs_targets_and_indices_belong_together():
    for batch in Feed(split_of(40), batch_size=7, seed=1).epoch(2):
        assert torch.equal(batch.raw[:, 0].long(), batch.indices)
        assert torch.equal(batch.targets, batch.indices)


def test_the_order_is_a_function_of_seed_and_epoch():
    assert torch.equal(epoch_order(5, 2, 1000), epoch_order(5, 2, 1000))
    assert not torch.equal(epoch_order(5, 2, 1000), epoch_order(5, 3, 1000))
    assert not torch.equal(epoch_order(5, 2, 1000), epoch_order(6, 2, 1000))


@pytest.mark.parametrize("streamed", [False, True])
def test_an_epoch_entered_in_the_middle_goes_on_as_the_whole_one(streamed):
    feed = Feed(split_of(100, streamed=streamed), batch_size=8, seed=0)
    whole = [batch.indices for batch in feed.epoch(4)]
    later = [batch.indices for batch in feed.epoch(4, first_step=5)]
    assert all(torch.equal(a, b) for a, b in zip(whole[5:], later, strict=True))


def test_streaming_gives_what_memory_gives():
    held, streamed = (Feed(split_of(50, streamed=flag), batch_size=8, seed=0) for flag in (False, True))
    for a, b in zip(held.epoch(1), streamed.epoch(1), strict=True):
        assert torch.equal(a.raw, b.raw)


def drawn_feed(**options):
    tensor = torch.zeros(50, 1)
    return Feed(Split(Drawn(tensor), torch.arange(50), [str(i) for i in range(50)]), batch_size=8, seed=4, **options)


def test_what_samples_draw_follows_from_the_position_whatever_else_draws():
    feed, whole = drawn_feed(), []
    for batch in feed.epoch(1):
        torch.rand(3), random.random(), np.random.random()  # noqa: NPY002  # reason: as above
        whole.append(batch.raw)
    later = [batch.raw for batch in feed.epoch(1, first_step=3)]
    assert all(torch.equal(a, b) for a, b in zip(whole[3:], later, strict=True))
    assert not torch.equal(whole[0], next(iter(feed.epoch(2))).raw)
    assert not torch.equal(whole[0][:4], next(iter(drawn_feed(share=Share(1, 2)).epoch(1))).raw[:4])


def test_samples_that_draw_take_nothing_from_the_networks_draws():
    before = RandomState.capture()
    list(drawn_feed().epoch(0))
    after = RandomState.capture()
    assert torch.equal(before.torch_cpu, after.torch_cpu)
    assert before.to_json() == after.to_json()


@pytest.mark.parametrize(("samples", "size", "steps"), [(1, 32, 1), (32, 32, 1), (33, 32, 2), (60_000, 256, 235)])
def test_steps_per_epoch(samples, size, steps):
    assert steps_per_epoch(samples, size) == steps


@pytest.mark.parametrize("size", [2, 3, 7])
def test_shares_are_the_batch_and_differ_by_at_most_one_sample(size):
    split = split_of(103)
    feeds = [Feed(split, 10, 3, share=Share(rank, size)) for rank in range(size)]
    whole = Feed(split, batch_size=10, seed=3)
    for batch, *shares in zip(whole.epoch(1), *(feed.epoch(1) for feed in feeds), strict=True):
        assert torch.equal(torch.cat([share.indices for share in shares]), batch.indices)
        assert torch.equal(torch.cat([share.raw for share in shares]), batch.raw)
        assert {share.whole for share in shares} == {len(batch)} == {batch.whole}
        assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_each_share_is_augmented_by_a_draw_of_its_own():
    pictures = torch.arange(64).reshape(1, 1, 8, 8).repeat(40, 1, 1, 1).to(torch.uint8)
    split = Split(TensorSamples(pictures), torch.zeros(40), [str(i) for i in range(40)])
    feeds = [Feed(split, 40, 0, ("crop", "flip"), Share(rank, 2)) for rank in range(2)]
    first, second, again = (next(iter(feed.epoch(0))).raw for feed in (*feeds, feeds[1]))
    assert torch.equal(second, again)
    assert not torch.equal(first, second)


def test_a_process_without_a_sample_is_refused():
    Feed(split_of(12), 4, 0, share=Share(0, 4)).check_shares()
    with pytest.raises(OptionError, match="batches of 4 samples leave some of 5 processes without one"):
        Feed(split_of(12), 4, 0, share=Share(0, 5)).check_shares()


@pytest.mark.parametrize(
    ("samples", "batch", "microbatch", "processes", "fewest"),
    [
        (100, 10, 10, 1, 10),
        (100, 10, 3, 1, 2),
        (100, 1, 1, 1, 1),
        (95, 10, 2, 1, 1),
        (100, 2, 2, 2, 1),
        (90, 9, 2, 2, 1),
    ],
)
def test_the_smallest_forward_pass(samples, batch, microbatch, processes, fewest):
    assert Feed(split_of(samples), batch, 0, share=Share(0, processes)).smallest_pass(microbatch) == fewest
