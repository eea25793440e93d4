"""A validation split from the training split: seeded, stratified, and with exact copies on one side.

Shape legend: N samples, G groups of equal samples, K classes.
"""

import numpy as np
import numpy.typing as npt

from naiad.errors import DataError

SHARE = 0.1
MOST = 5_000

Indices = npt.NDArray[np.int64]


def validation_indices(groups: Indices, *, strata: Indices | None, seed: int) -> tuple[Indices, Indices]:
    """(train, validation) indices in rising order. Validation has a tenth, at most 5,000, at least one a class that has two.

    groups: (N,) samples of one group stay together. strata: (N,) class indices, or None. Raises DataError below two groups.
    """
    _, first, group_N = np.unique(groups, return_index=True, return_inverse=True)
    if len(first) < 2:
        raise DataError(
            f"{len(groups)} training samples with {len(first)} different inputs cannot be split into training and validation",
            hint="give more samples, or a validation set",
        )
    order_G = np.random.default_rng(seed).permutation(len(first))
    size = min(MOST, max(1, round(SHARE * len(groups))), len(first) - 1)
    chosen = order_G[:size]
    if strata is not None:
        drawn = _a_share_of_each(order_G, strata[first[order_G]], size)
        chosen = drawn if len(drawn) else chosen
    in_validation = np.isin(group_N, chosen)
    return np.flatnonzero(~in_validation), np.flatnonzero(in_validation)


def _a_share_of_each(order_G: Indices, strata_G: Indices, size: int) -> Indices:
    """The first groups of each class in ``order_G``, in the classes' proportions; a class with one group gives none."""
    counts_K = np.bincount(strata_G)
    quota_K = np.minimum(np.maximum(size * counts_K // len(strata_G), 1), counts_K - 1)
    by_class = np.argsort(strata_G, kind="stable")
    rank_G = np.empty_like(by_class)
    rank_G[by_class] = np.arange(len(by_class)) - (np.cumsum(counts_K) - counts_K)[strata_G[by_class]]
    chosen: Indices = order_G[rank_G < quota_K[strata_G]]
    return chosen
