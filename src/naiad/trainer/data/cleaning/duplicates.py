"""Finds exact copies of samples: within the training split, and between it and the splits that it is judged by.

Shape legend: N samples, G groups of equal samples.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from naiad.trainer.data.cleaning.cleaned_split import CleanedSplit
from naiad.trainer.data.findings import Action, Findings, make_findings


def find_duplicates(train: CleanedSplit) -> Findings:
    """Reports copies within the training split, which stay in it, and those whose labels contradict each other."""
    if train.digests is None or len(train) < 2:
        return Findings()
    _, first_G, group_N = np.unique(train.digests, return_index=True, return_inverse=True)
    if len(first_G) == len(train):
        return Findings()
    is_conflicting = _conflicting_label_mask(train.targets, first_G, group_N)
    is_copy = np.ones(len(train), bool)
    is_copy[first_G] = False
    message = "exact copies of an earlier training sample: they count more than once"
    findings = make_findings("exact-duplicate", "train", train.select_names(is_copy), Action.REPORTED, message)
    message = "exact copies whose labels differ: the network cannot get all of them right"
    names = train.select_names(is_conflicting)
    return findings + make_findings("conflicting-labels", "train", names, Action.REPORTED, message)


def drop_shared_samples(train: CleanedSplit, others: Mapping[str, CleanedSplit]) -> tuple[CleanedSplit, Findings]:
    """Removes from ``train`` the samples that the test or validation split has too; the other splits stay as they are.

    They stay in ``train``, and are only reported, where it would lose half of its samples or a whole class.
    """
    findings = Findings()
    for split in ("test", "validation"):
        other = others.get(split)
        if other is None or train.digests is None or other.digests is None or not len(train):
            continue
        is_shared = np.isin(train.digests, other.digests)
        kind, names = f"shared-with-{split}", train.select_names(is_shared)
        if _can_drop(train, is_shared):
            message = f"training samples that are in the {split} split too: with them, {split} scores would be too high"
            findings += make_findings(kind, "train", names, Action.QUARANTINED, message)
            train = train.keep(~is_shared)
        else:
            message = f"training samples that are in the {split} split too, but are too many to drop: {split} scores are too high"
            findings += make_findings(kind, "train", names, Action.REPORTED, message)
    return train, findings


def duplicate_groups(digests: npt.NDArray[np.uint64] | None, count: int) -> npt.NDArray[np.int64]:
    """Returns (N,): the index of the first sample that equals each sample.

    All are different where there are no digests, or where half of the samples or more are copies.
    """
    if digests is None:
        return np.arange(count)
    _, first_G, group_N = np.unique(digests, return_index=True, return_inverse=True)
    return first_G[group_N].astype(np.int64) if 2 * len(first_G) > count else np.arange(count)


def _can_drop(train: CleanedSplit, is_shared: npt.NDArray[np.bool_]) -> bool:
    if 2 * int(is_shared.sum()) >= len(train):
        return False
    if train.targets is None or train.targets.dtype.kind == "f":
        return True
    return set(train.targets[~is_shared].tolist()) == set(train.targets.tolist())


def _conflicting_label_mask(
    targets: npt.NDArray[Any] | None, first_G: npt.NDArray[np.int64], group_N: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Returns (N,): true for the samples of groups that have more than one label."""
    if targets is None:
        return np.zeros(len(group_N), bool)
    differs_N = targets != targets[first_G][group_N]
    return np.isin(group_N, group_N[differs_N])
