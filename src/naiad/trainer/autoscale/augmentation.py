"""Augmentation: what may be flipped or cropped without another label, where samples are seen often enough to be learnt by heart.

Whether a change keeps the label is asked of the data, without training: changed samples are given the label of their nearest
neighbour among the unchanged ones. Where that is as often right as for unchanged samples, a change makes samples as they might
have been; a mirrored digit has other neighbours than the digit.
Shape legend: Q queries, R references, D pixels.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from naiad.trainer.autoscale.measuring import Measuring
from naiad.trainer.data.augment import augment
from naiad.trainer.data.dataset import Split
from naiad.trainer.plan import Plan, Reason, Trial
from naiad.trainer.seeding import generator

TRIED = ("flip",)
LEAST_EPOCHS = 16
"""With fewer, every sample is still news."""
KEPT = 0.7
"""Part of the right neighbours that a change must keep."""
_QUERIES, _REFERENCES, _SIDE = 1_000, 8_000, 16
_SECONDS = 0.5
"""What the question costs at most, on one core."""
_PURPOSE = 7


def choose(plan: Plan, measuring: Measuring) -> Plan:
    split = measuring.bench.split
    images = len(split.samples.sample_shape) == 3 and split.samples.dtype == torch.uint8
    labelled = split.targets is not None and not split.targets.is_floating_point()
    if not images or not labelled or plan.epochs < LEAST_EPOCHS or not measuring.budget.affords(_SECONDS):
        return plan
    with measuring.budget.spending():
        unchanged, kept = neighbours_kept(split, TRIED, seed=plan.seed)
    taken = tuple(kind for kind, right in kept.items() if right >= KEPT * unchanged)
    tried = tuple(Trial(kind, f"{right:.1%} of nearest neighbours right") for kind, right in kept.items())
    why = f"{plan.epochs} epochs; a change must keep {KEPT:.0%} of the right neighbours"
    return plan.taking("augment", taken, Reason(why, f"unchanged: {unchanged:.1%} right", tried))


def neighbours_kept(split: Split, kinds: tuple[str, ...], *, seed: int) -> tuple[float, dict[str, float]]:
    """How often the nearest neighbour has the same label: for unchanged samples, and for each kind of change."""
    draw = generator(seed, _PURPOSE)
    chosen = torch.randperm(len(split), generator=draw)[: _QUERIES + _REFERENCES]
    count = min(_QUERIES, len(chosen) // 4)
    queries, references = chosen[:count], chosen[count:]
    assert split.targets is not None
    labels_Q, labels_R = split.targets[queries], split.targets[references]
    raw = split.samples.take(queries)
    near = _Neighbours(_small(split.samples.take(references)), labels_R)
    kept = {kind: near.right(_small(_changed(raw, kind, draw)), labels_Q) for kind in kinds}
    return near.right(_small(raw), labels_Q), kept


class _Neighbours:
    def __init__(self, references_RD: Tensor, labels_R: Tensor) -> None:
        self._references_RD, self._labels_R = references_RD, labels_R
        self._squares_R = references_RD.square().sum(dim=1)

    def right(self, queries_QD: Tensor, labels_Q: Tensor) -> float:
        """Part of the queries whose nearest reference, in squared distance, has their label."""
        distances_QR = self._squares_R - 2 * queries_QD @ self._references_RD.T
        return float((self._labels_R[distances_QR.argmin(dim=1)] == labels_Q).float().mean())


def _changed(raw: Tensor, kind: str, draw: torch.Generator) -> Tensor:
    return raw.flip(-1) if kind == "flip" else augment(raw, (kind,), draw)


def _small(raw_BCHW: Tensor) -> Tensor:
    """float32 (B, D): few pixels, as distances between images are about shapes."""
    side = min(_SIDE, *raw_BCHW.shape[-2:])
    return F.adaptive_avg_pool2d(raw_BCHW.float() / 255, side).flatten(1)
