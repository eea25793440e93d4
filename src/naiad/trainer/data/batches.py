"""Batches of an epoch, and the order of the samples in them.

The order is a pure function of (seed, epoch). The random numbers of a batch (augmentation, a Dataset's random transform) are a
pure function of (seed, epoch, position). So a checkpoint needs no more than a position. Batches of an epoch differ by at most one
sample in size: no sample is dropped, and no last batch is too small for BatchNorm.
Shape legend: B batch, N samples.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import Tensor

from naiad.errors import OptionError
from naiad.trainer.data.augment import augment
from naiad.trainer.data.dataset import Split
from naiad.trainer.machine.seeding import derive_seed, fork_rng, make_generator

_ORDER, _AUGMENT, _SAMPLES = 1, 2, 3
"""Purposes of random numbers: each has seeds of its own."""


@dataclass(frozen=True)
class Batch:
    """Samples of one step, or one process's slice of them."""

    indices: Tensor
    """int64 (B,) positions in the split."""
    raw: Tensor
    """(B, *sample_shape), as the schema encodes samples."""
    targets: Tensor | None
    """(B,), or None."""
    sliced_from: int | None = None
    """Samples of all processes' slices together; None where the batch is whole."""

    @property
    def global_size(self) -> int:
        """Samples of the step in all processes."""
        return len(self.indices) if self.sliced_from is None else self.sliced_from

    def __len__(self) -> int:
        return len(self.indices)


def steps_per_epoch(samples: int, batch_size: int) -> int:
    return max(1, -(-samples // batch_size))


def epoch_order(seed: int, epoch: int, samples: int) -> Tensor:
    """Returns int64 (N,): a permutation."""
    return torch.randperm(samples, generator=make_generator(seed, _ORDER, epoch))


@dataclass(frozen=True)
class BatchSlice:
    """Slice of every batch that belongs to one process. The slices of a batch differ by at most one sample."""

    rank: int = 0
    world_size: int = 1

    def bounds(self, samples: int) -> slice:
        """Returns the positions, in a batch of so many samples, that belong to this process."""
        return slice(self.rank * samples // self.world_size, (self.rank + 1) * samples // self.world_size)


WHOLE_BATCH = BatchSlice()
"""Slice of a single process."""


@dataclass(frozen=True)
class BatchLoader:
    """Loads the batches of the training split, from any position on, or one process's slice of each."""

    split: Split
    batch_size: int
    seed: int
    augmentations: tuple[str, ...] = ()
    batch_slice: BatchSlice = WHOLE_BATCH

    @property
    def steps_per_epoch(self) -> int:
        return steps_per_epoch(len(self.split), self.batch_size)

    @property
    def smallest_batch(self) -> int:
        """Samples of the smallest batch, in all processes."""
        return len(self.split) // self.steps_per_epoch

    def smallest_microbatch(self, microbatch_size: int) -> int:
        """Returns the samples of the smallest forward pass, where one takes at most ``microbatch_size`` of a slice."""
        processes = self.batch_slice.world_size
        largest_batch = -(-len(self.split) // self.steps_per_epoch)
        slice_sizes = range(max(1, self.smallest_batch // processes), -(-largest_batch // processes) + 1)
        return min(size // -(-size // microbatch_size) for size in slice_sizes)

    def check_slices(self) -> None:
        """Raises OptionError where a process would have no sample of a batch."""
        processes = self.batch_slice.world_size
        if self.smallest_batch < processes:
            raise OptionError(
                f"batches of {self.smallest_batch} samples leave some of {processes} processes without one",
                hint="start fewer processes, or take a larger batch_size and more data",
            )

    def epoch(self, epoch: int, *, first_step: int = 0) -> Iterator[Batch]:
        """Returns the batches of ``epoch`` from position ``first_step`` on. Files are read one batch ahead.

        Random samples are not read ahead: they use the global generators, which the network's dropout uses too.
        """
        order_N = epoch_order(self.seed, epoch, len(self.split))
        positions = range(first_step, self.steps_per_epoch)
        if self.split.samples.in_memory or not self.split.samples.is_deterministic:
            return (self._make_batch(order_N, epoch, position) for position in positions)
        return self._prefetch(order_N, epoch, positions)

    def _prefetch(self, order_N: Tensor, epoch: int, positions: range) -> Iterator[Batch]:
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="naiad-batches") as reader:
            pending = None
            for position in positions:
                submitted = reader.submit(self._make_batch, order_N, epoch, position)
                if pending is not None:
                    yield pending.result()
                pending = submitted
            if pending is not None:
                yield pending.result()

    def _make_batch(self, order_N: Tensor, epoch: int, position: int) -> Batch:
        samples, steps = len(self.split), self.steps_per_epoch
        whole_B = order_N[position * samples // steps : (position + 1) * samples // steps]
        indices_B = whole_B[self.batch_slice.bounds(len(whole_B))]
        rank = self.batch_slice.rank
        seed_parts = (epoch, position, rank) if rank else (epoch, position)
        raw = self._read_samples(indices_B, seed_parts)
        if self.augmentations:
            raw = augment(raw, self.augmentations, make_generator(self.seed, _AUGMENT, *seed_parts))
        targets = self.split.targets
        targets_B = None if targets is None else targets.index_select(0, indices_B)
        return Batch(indices_B, raw, targets_B, None if self.batch_slice.world_size == 1 else len(whole_B))

    def _read_samples(self, indices_B: Tensor, seed_parts: tuple[int, ...]) -> Tensor:
        samples = self.split.samples
        if samples.is_deterministic:
            return samples.take(indices_B)
        with fork_rng(derive_seed(self.seed, _SAMPLES, *seed_parts)):
            return samples.take(indices_B)
