"""Augmentation: whether images may be mirrored, in a run that sees each of them often enough to learn it by heart.

Whether a change keeps the label is measured on the data, without training: each changed sample gets the label of its nearest
neighbour among the unchanged ones. Where that is right as often as for unchanged samples, the change makes samples as they might
have been; a mirrored digit has other neighbours than the digit. Shifts and crops keep nearly every label, and yet harm a network
that is too small to learn to undo them (benchmarks/LOG.md), which shows only at the end of a run: they are left to the user.
Shape legend: Q queries, R references, D pixels.
"""

import time
from collections.abc import Iterator
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from naiad.trainer.autoscale.measurement_setup import MeasurementSetup, TimedPlan
from naiad.trainer.data.augment import augment
from naiad.trainer.data.dataset import Split
from naiad.trainer.machine.seeding import make_generator
from naiad.trainer.plan.reason import Measurement, Reason, count_noun

MEASURED_KINDS = ("flip",)
LEAST_EPOCHS = 16
"""Epochs from which on samples are no longer new."""
KEPT_FRACTION = 0.7
"""Fraction of the right neighbours that a change must keep."""
_MOST_SAMPLES, _LEAST_SAMPLES, _FEWEST_SAMPLES = 9_000, 1_250, 50
"""Samples that are compared: as many as there is time for; a split of fewer than the last is not measured."""
_QUERIES, _SIDE = 1_000, 16
"""Samples that are changed and compared with the rest, at most, and the side that all are shrunk to."""
_COMPARISON_S = 0.5
"""Seconds that the comparison takes at most, on one core; reading and shrinking are timed."""
_CHUNK, _CHUNK_BYTES = 128, 64 << 20
"""Samples in memory at once at their own size, and their bytes as float32."""
_PURPOSE = 7


def choose(timed: TimedPlan, setup: MeasurementSetup) -> TimedPlan:
    plan, split, budget = timed.plan, setup.probe.split, setup.budget
    if not _is_labelled_images(split) or plan.epochs < LEAST_EPOCHS:
        return timed
    budget.require(_chunk_size(split) / plan.batch_size * timed.step_s)
    with budget.charge():
        sample_s = 2 * _seconds_per_sample(split)  # a change costs as much again
    least = min(_LEAST_SAMPLES, len(split))
    budget.require(_COMPARISON_S + least * sample_s)
    count = min(_MOST_SAMPLES, len(split), max(least, int((budget.left_s - _COMPARISON_S) / sample_s)))
    with budget.charge():
        unchanged, by_kind = neighbour_accuracy(split, MEASURED_KINDS, seed=plan.seed, count=count)
    chosen = tuple(kind for kind, accuracy in by_kind.items() if accuracy >= KEPT_FRACTION * unchanged)
    reason = Reason(
        f"{count_noun(plan.epochs, 'epoch')}; a change must keep {KEPT_FRACTION:.0%} of the right neighbours",
        f"unchanged: {unchanged:.1%} right, among {count:,} samples",
        tuple(Measurement(kind, f"{accuracy:.1%} of nearest neighbours right") for kind, accuracy in by_kind.items()),
    )
    return replace(timed, plan=plan.with_choice("augment", chosen, reason))


def neighbour_accuracy(
    split: Split, kinds: tuple[str, ...], *, seed: int, count: int = _MOST_SAMPLES
) -> tuple[float, dict[str, float]]:
    """Returns how often the nearest neighbour has the same label: for unchanged samples, and for each kind of change.

    count: samples that are compared; few of them are in memory at once at their own size.
    """
    generator = make_generator(seed, _PURPOSE)
    sampled = torch.randperm(len(split), generator=generator)[:count]
    query_count = min(_QUERIES, len(sampled) // 4)
    queries, references = sampled[:query_count], sampled[query_count:]
    assert split.targets is not None
    neighbours = _Neighbours(torch.cat([_shrink(raw) for raw in _chunks(split, references)]), split.targets[references])
    shrunk: dict[str, list[Tensor]] = {kind: [] for kind in ("", *kinds)}
    for raw in _chunks(split, queries):
        for kind, parts in shrunk.items():
            parts.append(_shrink(_change(raw, kind, generator)))
    accuracy = {kind: neighbours.accuracy(torch.cat(parts), split.targets[queries]) for kind, parts in shrunk.items()}
    return accuracy[""], {kind: accuracy[kind] for kind in kinds}


def _is_labelled_images(split: Split) -> bool:
    is_images = len(split.samples.sample_shape) == 3 and split.samples.dtype == torch.uint8
    is_labelled = split.targets is not None and not split.targets.is_floating_point()
    return is_images and is_labelled and len(split) >= _FEWEST_SAMPLES


def _seconds_per_sample(split: Split) -> float:
    started = time.perf_counter()
    some = torch.arange(min(_chunk_size(split), len(split)))
    _shrink(split.samples.take(some))
    return (time.perf_counter() - started) / len(some)


def _chunks(split: Split, indices: Tensor) -> Iterator[Tensor]:
    size = _chunk_size(split)
    return (split.samples.take(indices[start : start + size]) for start in range(0, len(indices), size))


def _chunk_size(split: Split) -> int:
    return max(1, min(_CHUNK, _CHUNK_BYTES // max(1, 4 * split.samples.sample_shape.numel())))


class _Neighbours:
    def __init__(self, references_RD: Tensor, labels_R: Tensor) -> None:
        self._references_RD, self._labels_R = references_RD, labels_R
        self._squares_R = references_RD.square().sum(dim=1)

    def accuracy(self, queries_QD: Tensor, labels_Q: Tensor) -> float:
        """Fraction of the queries whose nearest reference, in squared distance, has their label."""
        distances_QR = self._squares_R - 2 * queries_QD @ self._references_RD.T
        return float((self._labels_R[distances_QR.argmin(dim=1)] == labels_Q).float().mean())


def _change(raw: Tensor, kind: str, generator: torch.Generator) -> Tensor:
    if kind == "flip":  # every sample, not every other one
        return raw.flip(-1)
    return augment(raw, (kind,) if kind else (), generator)


def _shrink(raw_BCHW: Tensor) -> Tensor:
    """Returns float32 (B, D): few pixels, as distances between images are about shapes."""
    side = min(_SIDE, *raw_BCHW.shape[-2:])
    return F.adaptive_avg_pool2d(raw_BCHW.float() / 255, side).flatten(1)
