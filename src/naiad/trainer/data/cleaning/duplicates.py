"""Exact copies: within the training split, and between it and the splits that judge it."""

from typing import Any

import numpy as np
import numpy.typing as npt

from naiad.trainer.data.cleaning.checked import CheckedSplit, chosen, report
from naiad.trainer.data.findings import Action, Findings


def told_copies(train: CheckedSplit) -> Findings:
    """Copies within the training split stay; those whose labels contradict each other are told apart."""
    if train.digests is None or len(train) < 2:
        return Findings()
    _, first, group = np.unique(train.digests, return_index=True, return_inverse=True)
    if len(first) == len(train):
        return Findings()
    conflicting = _conflicting(train.targets, first, group)
    copies = np.ones(len(train), bool)
    copies[first] = False
    message = "exact copies of an earlier training sample: they count more than once"
    findings = report("exact-duplicate", "train", chosen(train.names, copies), Action.TOLD, message)
    message = "exact copies whose labels differ from each other: the network cannot get them all right"
    return findings + report("conflicting-labels", "train", chosen(train.names, conflicting), Action.TOLD, message)


def without_shared(train: CheckedSplit, others: dict[str, CheckedSplit]) -> tuple[CheckedSplit, Findings]:
    """Leaves those samples out of ``train`` that the test or validation split has too; never the other way round.

    Where that would cost half of the training samples or a whole class, it is only told.
    """
    findings = Findings()
    for split in ("test", "validation"):
        other = others.get(split)
        if other is None or train.digests is None or other.digests is None or not len(train):
            continue
        shared = np.isin(train.digests, other.digests)
        names = chosen(train.names, shared)
        if _affordable(train, shared):
            message = f"training samples that the {split} split has too: {split} scores would be too good"
            findings += report(f"shared-with-{split}", "train", names, Action.LEFT_OUT, message)
            train = train.keep(~shared)
        else:
            message = f"training samples that the {split} split has too, and too many to leave out: {split} scores are too good"
            findings += report(f"shared-with-{split}", "train", names, Action.TOLD, message)
    return train, findings


def groups_of(digests: npt.NDArray[np.uint64] | None, count: int) -> npt.NDArray[np.int64]:
    """(N,): the first of each sample's equals; all different where nothing is known or where copies are the rule."""
    if digests is None:
        return np.arange(count)
    _, first, group = np.unique(digests, return_index=True, return_inverse=True)
    return first[group].astype(np.int64) if 2 * len(first) > count else np.arange(count)


def _affordable(train: CheckedSplit, shared: npt.NDArray[np.bool_]) -> bool:
    if 2 * int(shared.sum()) >= len(train):
        return False
    if train.targets is None or train.targets.dtype.kind == "f":
        return True
    return set(train.targets[~shared].tolist()) == set(train.targets.tolist())


def _conflicting(
    targets: npt.NDArray[Any] | None, first: npt.NDArray[np.int64], group: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """(N,): samples of the groups that have more than one label."""
    if targets is None:
        return np.zeros(len(group), bool)
    differs = targets != targets[first][group]
    return np.isin(group, group[differs])
