"""Batches: their order, their sizes, and the slices of several processes."""

import random

import numpy as np
import pytest
import torch

from naiad.errors import OptionError
from naiad.trainer.data.batches import BatchLoader, BatchSlice, epoch_order, steps_per_epoch
from naiad.trainer.data.dataset import Split, TensorSamples
from naiad.trainer.machine.seeding import RandomState


class Streamed:
    """The samples of a tensor, as if they were on disk."""

    is_deterministic = True

    def __init__(self, tensor):
        self.tensor = tensor
        self.sample_shape, self.dtype, self.in_memory = tensor.shape[1:], tensor.dtype, False

    def __len__(self):
        return len(self.tensor)

    def take(self, indices):
        return self.tensor[indices]


class RandomSamples(Streamed):
    """Samples of a Dataset with a random transform."""

    is_deterministic = False

    def take(self, indices):
        jitter = random.random() + np.random.random()  # noqa: NPY002  # reason: transforms use it
        return self.tensor[indices] + torch.rand(len(indices), 1) + jitter


def split_of(count, *, streamed=False):
    tensor = torch.arange(count, dtype=torch.float32)[:, None]
    samples = Streamed(tensor) if streamed else TensorSamples(tensor)
    return Split(samples, torch.arange(count), [f"index {i}" for i in range(count)])


def test_an_epoch_has_every_sample_once():
    loader = BatchLoader(split_of(103), batch_size=10, seed=3)
    indices = torch.cat([batch.indices for batch in loader.epoch(0)])
    assert sorted(indices.tolist()) == list(range(103))


def test_batches_differ_by_at_most_one_sample():
    sizes = {len(batch) for batch in BatchLoader(split_of(101), batch_size=50, seed=0).epoch(0)}
    assert sizes == {33, 34}


def test_inputs_targets_and_indices_belong_together():
    for batch in BatchLoader(split_of(40), batch_size=7, seed=1).epoch(2):
        assert torch.equal(batch.raw[:, 0].long(), batch.indices)
        assert torch.equal(batch.targets, batch.indices)


def test_the_order_is_a_function_of_seed_and_epoch():
    assert torch.equal(epoch_order(5, 2, 1000), epoch_order(5, 2, 1000))
    assert not torch.equal(epoch_order(5, 2, 1000), epoch_order(5, 3, 1000))
    assert not torch.equal(epoch_order(5, 2, 1000), epoch_order(6, 2, 1000))


@pytest.mark.parametrize("streamed", [False, True])
def test_an_epoch_can_be_continued_at_any_position(streamed):
    loader = BatchLoader(split_of(100, streamed=streamed), batch_size=8, seed=0)
    whole = [batch.indices for batch in loader.epoch(4)]
    later = [batch.indices for batch in loader.epoch(4, first_step=5)]
    assert all(torch.equal(a, b) for a, b in zip(whole[5:], later, strict=True))


def test_streamed_batches_equal_those_from_memory():
    in_memory, streamed = (BatchLoader(split_of(50, streamed=flag), batch_size=8, seed=0) for flag in (False, True))
    for a, b in zip(in_memory.epoch(1), streamed.epoch(1), strict=True):
        assert torch.equal(a.raw, b.raw)


def random_loader(**options):
    split = Split(RandomSamples(torch.zeros(50, 1)), torch.arange(50), [str(i) for i in range(50)])
    return BatchLoader(split, batch_size=8, seed=4, **options)


def test_random_samples_depend_on_the_position_alone():
    loader, whole = random_loader(), []
    for batch in loader.epoch(1):
        torch.rand(3), random.random(), np.random.random()  # noqa: NPY002  # reason: as above
        whole.append(batch.raw)
    later = [batch.raw for batch in loader.epoch(1, first_step=3)]
    assert all(torch.equal(a, b) for a, b in zip(whole[3:], later, strict=True))
    assert not torch.equal(whole[0], next(iter(loader.epoch(2))).raw)
    assert not torch.equal(whole[0][:4], next(iter(random_loader(batch_slice=BatchSlice(1, 2)).epoch(1))).raw[:4])


def test_random_samples_leave_the_global_generators_as_they_were():
    before = RandomState.capture()
    list(random_loader().epoch(0))
    after = RandomState.capture()
    assert torch.equal(before.torch_cpu, after.torch_cpu)
    assert before.to_json() == after.to_json()


@pytest.mark.parametrize(("samples", "size", "steps"), [(1, 32, 1), (32, 32, 1), (33, 32, 2), (60_000, 256, 235)])
def test_steps_per_epoch(samples, size, steps):
    assert steps_per_epoch(samples, size) == steps


@pytest.mark.parametrize("size", [2, 3, 7])
def test_slices_make_up_the_batch_and_differ_by_at_most_one_sample(size):
    split = split_of(103)
    loaders = [BatchLoader(split, 10, 3, batch_slice=BatchSlice(rank, size)) for rank in range(size)]
    whole_loader = BatchLoader(split, batch_size=10, seed=3)
    for batch, *slices in zip(whole_loader.epoch(1), *(loader.epoch(1) for loader in loaders), strict=True):
        assert torch.equal(torch.cat([each.indices for each in slices]), batch.indices)
        assert torch.equal(torch.cat([each.raw for each in slices]), batch.raw)
        assert {each.global_size for each in slices} == {len(batch)} == {batch.global_size}
        assert max(map(len, slices)) - min(map(len, slices)) <= 1


def test_each_slice_is_augmented_by_random_numbers_of_its_own():
    images = torch.arange(64).reshape(1, 1, 8, 8).repeat(40, 1, 1, 1).to(torch.uint8)
    split = Split(TensorSamples(images), torch.zeros(40), [str(i) for i in range(40)])
    loaders = [BatchLoader(split, 40, 0, ("crop", "flip"), BatchSlice(rank, 2)) for rank in range(2)]
    first, second, again = (next(iter(loader.epoch(0))).raw for loader in (*loaders, loaders[1]))
    assert torch.equal(second, again)
    assert not torch.equal(first, second)


def test_a_process_without_a_sample_is_refused():
    BatchLoader(split_of(12), 4, 0, batch_slice=BatchSlice(0, 4)).check_slices()
    with pytest.raises(OptionError, match="batches of 4 samples leave some of 5 processes without one"):
        BatchLoader(split_of(12), 4, 0, batch_slice=BatchSlice(0, 5)).check_slices()


@pytest.mark.parametrize(
    ("samples", "batch", "microbatch", "processes", "smallest"),
    [
        (100, 10, 10, 1, 10),
        (100, 10, 3, 1, 2),
        (100, 1, 1, 1, 1),
        (95, 10, 2, 1, 1),
        (100, 2, 2, 2, 1),
        (90, 9, 2, 2, 1),
    ],
)
def test_the_smallest_forward_pass(samples, batch, microbatch, processes, smallest):
    loader = BatchLoader(split_of(samples), batch, 0, batch_slice=BatchSlice(0, processes))
    assert loader.smallest_microbatch(microbatch) == smallest
