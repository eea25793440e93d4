"""The order of samples and the batches of an epoch.

The order is a pure function of (seed, epoch, index), and what a batch's samples draw one of (seed, epoch, position): a position
is all that a checkpoint needs. An epoch's batches differ by at most one sample in size: no sample is dropped, and no last batch
is too small for BatchNorm.
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
from naiad.trainer.machine.seeding import derived_seed, generator, seeded

_ORDER, _AUGMENT, _ITEMS = 1, 2, 3


@dataclass(frozen=True)
class Batch:
    """indices: int64 (B,), positions in the split. raw: (B, *sample_shape). targets: (B,) or None."""

    indices: Tensor
    raw: Tensor
    targets: Tensor | None
    shared: int | None = None
    """Samples of the whole batch, where this is one process's share of it."""

    @property
    def whole(self) -> int:
        return len(self.indices) if self.shared is None else self.shared

    def __len__(self) -> int:
        return len(self.indices)


def steps_per_epoch(samples: int, batch_size: int) -> int:
    return max(1, -(-samples // batch_size))


def epoch_order(seed: int, epoch: int, samples: int) -> Tensor:
    """int64 (N,): a permutation."""
    return torch.randperm(samples, generator=generator(seed, _ORDER, epoch))


@dataclass(frozen=True)
class Share:
    """Which part of every batch is a process's own. Shares differ by at most one sample, and are in the batch's order."""

    rank: int = 0
    size: int = 1

    def of(self, samples: int) -> slice:
        return slice(self.rank * samples // self.size, (self.rank + 1) * samples // self.size)


WHOLE = Share()
"""Of a process that is alone."""


@dataclass(frozen=True)
class Feed:
    """Batches of the training split, from any position on; of each batch a process's share."""

    split: Split
    batch_size: int
    seed: int
    augmentations: tuple[str, ...] = ()
    share: Share = WHOLE

    @property
    def steps_per_epoch(self) -> int:
        return steps_per_epoch(len(self.split), self.batch_size)

    @property
    def smallest(self) -> int:
        """Samples of the smallest batch, shares taken together."""
        return len(self.split) // self.steps_per_epoch

    def smallest_pass(self, microbatch_size: int) -> int:
        """Samples of the smallest forward pass, where a process takes at most so many of its share at once."""
        least, most = self.smallest, -(-len(self.split) // self.steps_per_epoch)
        shares = range(max(1, least // self.share.size), -(-most // self.share.size) + 1)
        return min(share // -(-share // microbatch_size) for share in shares)

    def check_shares(self) -> None:
        """Raises OptionError where a process would have nothing of a batch."""
        if self.smallest < self.share.size:
            raise OptionError(
                f"batches of {self.smallest} samples leave some of {self.share.size} processes without one",
                hint="start fewer processes, or take a larger batch_size and more data",
            )

    def epoch(self, epoch: int, *, first_step: int = 0) -> Iterator[Batch]:
        """The batches of ``epoch`` from its ``first_step``-th on. What must be read or decoded is read one batch ahead.

        Samples that are drawn anew are not: the global generators that they draw from are those of the network's dropout.
        """
        order_N = epoch_order(self.seed, epoch, len(self.split))
        positions = range(first_step, self.steps_per_epoch)
        if self.split.samples.in_memory or not self.split.samples.fixed:
            return (self._batch(order_N, epoch, position) for position in positions)
        return self._ahead(order_N, epoch, positions)

    def _ahead(self, order_N: Tensor, epoch: int, positions: range) -> Iterator[Batch]:
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="naiad-feed") as reader:
            coming = None
            for position in positions:
                following = reader.submit(self._batch, order_N, epoch, position)
                if coming is not None:
                    yield coming.result()
                coming = following
            if coming is not None:
                yield coming.result()

    def _batch(self, order_N: Tensor, epoch: int, position: int) -> Batch:
        samples, steps = len(self.split), self.steps_per_epoch
        whole_B = order_N[position * samples // steps : (position + 1) * samples // steps]
        indices_B = whole_B[self.share.of(len(whole_B))]
        where = (epoch, position, self.share.rank)[: 3 if self.share.rank else 2]
        raw = self._taken(indices_B, where)
        if self.augmentations:
            raw = augment(raw, self.augmentations, generator(self.seed, _AUGMENT, *where))
        targets = self.split.targets
        own = None if targets is None else targets.index_select(0, indices_B)
        return Batch(indices_B, raw, own, None if self.share.size == 1 else len(whole_B))

    def _taken(self, indices_B: Tensor, where: tuple[int, ...]) -> Tensor:
        samples = self.split.samples
        if samples.fixed:
            return samples.take(indices_B)
        with seeded(derived_seed(self.seed, _ITEMS, *where)):
            return samples.take(indices_B)
