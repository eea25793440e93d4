"""A split that cleaning has checked: samples, labels, names and digests that stay together.

Shape legend: N samples.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from naiad.trainer.data.dataset import Samples, Split


@dataclass(frozen=True)
class CleanedSplit:
    """Checked samples of one split; the labels are still as the source gives them."""

    samples: Samples
    targets: npt.NDArray[Any] | None
    """(N,) labels, or None where there are none."""
    names: Sequence[str]
    digests: npt.NDArray[np.uint64] | None
    """(N,) digests of the samples' bytes, or None where the samples are random."""
    weights: npt.NDArray[np.float64] | None = None
    """(N,) weights in the loss and the metrics; None where all samples count alike."""

    def __len__(self) -> int:
        return len(self.samples)

    def keep(self, mask: npt.NDArray[np.bool_]) -> "CleanedSplit":
        """Returns the samples where ``mask`` (N,) is true."""
        return self if mask.all() else self.select(np.flatnonzero(mask))

    def select(self, indices: npt.NDArray[np.int64]) -> "CleanedSplit":
        return replace(
            self,
            samples=self.samples.select(indices),
            targets=None if self.targets is None else self.targets[indices],
            names=[self.names[index] for index in indices],
            digests=None if self.digests is None else self.digests[indices],
            weights=None if self.weights is None else self.weights[indices],
        )

    def select_names(self, mask: npt.NDArray[np.bool_]) -> list[str]:
        """Returns the names of the samples where ``mask`` (N,) is true."""
        return select_names(self.names, mask)

    def to_split(self, targets: Tensor | None) -> Split:
        """Returns the samples with encoded targets (N,) in place of the labels."""
        weights = None if self.weights is None else torch.from_numpy(self.weights.astype(np.float32))
        return Split(self.samples, targets, self.names, weights)


def select_names(names: Sequence[str], mask: npt.NDArray[np.bool_]) -> list[str]:
    """Returns the names where ``mask`` (N,) is true."""
    return [names[index] for index in np.flatnonzero(mask).tolist()]
