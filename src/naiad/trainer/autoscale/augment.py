"""Augmentation: whether samples may be flipped without another label, where they are seen often enough to be learnt by heart.

Whether a change keeps the label is asked of the data, without training: changed samples are given the label of their nearest
neighbour among the unchanged ones. Where that is as often right as for unchanged samples, a change makes samples as they might
have been; a mirrored digit has other neighbours than the digit. Shifts and crops keep nearly every label, and yet harm a network
that is too small to learn to undo them (benchmarks/LOG.md), which shows at the end of a run only: they are for the user to say.
Shape legend: Q queries, R references, D pixels.
"""

import time
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from naiad.trainer.autoscale.measuring import Measuring
from naiad.trainer.data.augment import augment
from naiad.trainer.data.dataset import Split
from naiad.trainer.machine.seeding import make_generator
from naiad.trainer.plan.plan import Plan
from naiad.trainer.plan.reason import Measurement, Reason

TRIED = ("flip",)
LEAST_EPOCHS = 16
"""With fewer, every sample is still news."""
KEPT = 0.7
"""Part of the right neighbours that a change must keep."""
_MOST, _LEAST, _FEWEST = 9_000, 1_250, 50
"""Samples that are looked at: as many as there is time for; nothing is learnt from a handful."""
_QUERIES, _SIDE = 1_000, 16
"""How many of them, at most, are changed and compared with the rest, and the side that all are shrunk to."""
_COMPARING_S = 0.5
"""What comparing costs at most, on one core; what reading and shrinking costs is timed."""
_CHUNK, _CHUNK_BYTES = 128, 64 << 20
"""Samples that are in memory at once as they came, and their bytes as float32."""
_PURPOSE = 7


def choose(plan: Plan, measuring: Measuring) -> Plan:
    split, budget = measuring.bench.split, measuring.budget
    images = len(split.samples.sample_shape) == 3 and split.samples.dtype == torch.uint8 and len(split) >= _FEWEST
    labelled = split.targets is not None and not split.targets.is_floating_point()
    chunk_steps = _chunk(split) / plan.batch_size
    if not images or not labelled or plan.epochs < LEAST_EPOCHS or not measuring.affords_steps(chunk_steps):
        return plan
    with budget.spending():
        sample_s = 2 * _seconds_a_sample(split)  # changing costs, too
    least = min(_LEAST, len(split))
    if not budget.affords(_COMPARING_S + least * sample_s):
        return plan
    count = min(_MOST, len(split), max(least, int((budget.left_s - _COMPARING_S) / sample_s)))
    with budget.spending():
        unchanged, kept = neighbours_kept(split, TRIED, seed=plan.seed, count=count)
    taken = tuple(kind for kind, right in kept.items() if right >= KEPT * unchanged)
    tried = tuple(Measurement(kind, f"{right:.1%} of nearest neighbours right") for kind, right in kept.items())
    why = f"{plan.epochs} epochs; a change must keep {KEPT:.0%} of the right neighbours"
    return plan.with_choice(
        "augment", taken, Reason(why, f"unchanged: {unchanged:.1%} right, among {count:,} samples", tried)
    )


def neighbours_kept(
    split: Split, kinds: tuple[str, ...], *, seed: int, count: int = _MOST
) -> tuple[float, dict[str, float]]:
    """How often the nearest neighbour has the same label: for unchanged samples, and for each kind of change.

    count: samples that are looked at, of all; few are in memory at once as they came.
    """
    draw = make_generator(seed, _PURPOSE)
    chosen = torch.randperm(len(split), generator=draw)[:count]
    first = min(_QUERIES, len(chosen) // 4)
    queries, references = chosen[:first], chosen[first:]
    assert split.targets is not None
    near = _Neighbours(torch.cat([_small(raw) for raw in _chunks(split, references)]), split.targets[references])
    small: dict[str, list[Tensor]] = {kind: [] for kind in ("", *kinds)}
    for raw in _chunks(split, queries):
        for kind, parts in small.items():
            parts.append(_small(_changed(raw, kind, draw)))
    right = {kind: near.right(torch.cat(parts), split.targets[queries]) for kind, parts in small.items()}
    return right[""], {kind: right[kind] for kind in kinds}


def _seconds_a_sample(split: Split) -> float:
    begun = time.perf_counter()
    some = torch.arange(min(_chunk(split), len(split)))
    _small(split.samples.take(some))
    return (time.perf_counter() - begun) / len(some)


def _chunks(split: Split, indices: Tensor) -> Iterator[Tensor]:
    chunk = _chunk(split)
    return (split.samples.take(indices[at : at + chunk]) for at in range(0, len(indices), chunk))


def _chunk(split: Split) -> int:
    return max(1, min(_CHUNK, _CHUNK_BYTES // max(1, 4 * split.samples.sample_shape.numel())))


class _Neighbours:
    def __init__(self, references_RD: Tensor, labels_R: Tensor) -> None:
        self._references_RD, self._labels_R = references_RD, labels_R
        self._squares_R = references_RD.square().sum(dim=1)

    def right(self, queries_QD: Tensor, labels_Q: Tensor) -> float:
        """Part of the queries whose nearest reference, in squared distance, has their label."""
        distances_QR = self._squares_R - 2 * queries_QD @ self._references_RD.T
        return float((self._labels_R[distances_QR.argmin(dim=1)] == labels_Q).float().mean())


def _changed(raw: Tensor, kind: str, draw: torch.Generator) -> Tensor:
    if kind == "flip":  # each, and not every other
        return raw.flip(-1)
    return augment(raw, (kind,) if kind else (), draw)


def _small(raw_BCHW: Tensor) -> Tensor:
    """float32 (B, D): few pixels, as distances between images are about shapes."""
    side = min(_SIDE, *raw_BCHW.shape[-2:])
    return F.adaptive_avg_pool2d(raw_BCHW.float() / 255, side).flatten(1)
