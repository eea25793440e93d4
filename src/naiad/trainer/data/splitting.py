"""Holds out a validation split of the training split: seeded, stratified, and with exact copies on one side.

Shape legend: N samples, G groups of equal samples, K classes.
"""

import numpy as np
import numpy.typing as npt

from naiad.errors import DataError

VALIDATION_FRACTION = 0.1
MAX_VALIDATION_SAMPLES = 5_000

Indices = npt.NDArray[np.int64]


def validation_indices(groups: Indices, *, strata: Indices | None, seed: int) -> tuple[Indices, Indices]:
    """Returns the (train, validation) indices, each in rising order.

    Validation has a tenth of the samples, at most 5,000, and at least one of each class that has two groups.
    groups: (N,); samples of one group stay together. strata: (N,) class indices, or None.
    Raises DataError below two groups.
    """
    _, first, group_N = np.unique(groups, return_index=True, return_inverse=True)
    if len(first) < 2:
        raise DataError(
            f"{len(groups)} training samples with {len(first)} different inputs cannot be split into training and validation",
            hint="give more samples, or a validation set",
        )
    order_G = np.random.default_rng(seed).permutation(len(first))
    size = min(MAX_VALIDATION_SAMPLES, max(1, round(VALIDATION_FRACTION * len(groups))), len(first) - 1)
    validation_groups = order_G[:size]
    if strata is not None:
        stratified = _stratified_groups(order_G, strata[first[order_G]], size)
        validation_groups = stratified if len(stratified) else validation_groups
    is_validation_N = np.isin(group_N, validation_groups)
    return np.flatnonzero(~is_validation_N), np.flatnonzero(is_validation_N)


def _stratified_groups(order_G: Indices, strata_G: Indices, size: int) -> Indices:
    """Returns the first groups of each class in ``order_G``, in the classes' proportions, but never all of a class."""
    counts_K = np.bincount(strata_G)
    quota_K = np.minimum(np.maximum(size * counts_K // len(strata_G), 1), counts_K - 1)
    by_class = np.argsort(strata_G, kind="stable")
    rank_G = np.empty_like(by_class)
    rank_G[by_class] = np.arange(len(by_class)) - (np.cumsum(counts_K) - counts_K)[strata_G[by_class]]
    selected: Indices = order_G[rank_G < quota_K[strata_G]]
    return selected
