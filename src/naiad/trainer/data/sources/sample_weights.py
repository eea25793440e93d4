"""Weights of samples: how much each counts in the loss, and in the metrics of its split.

Shape legend: N samples.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from naiad.errors import DataError
from naiad.trainer.data.findings import Action, Finding, Findings
from naiad.trainer.data.sources.label_matrix import read_labels

Weights = npt.NDArray[np.float64]


def read_weights(values: Any, count: int) -> tuple[Weights, Findings]:
    """Returns float64 (N,), and that they are used. Raises DataError for what are no weights of ``count`` samples."""
    try:
        weights = read_labels(values)[0].astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"the sample weights are no numbers: {error}", hint="give one number of 0 or more a sample"
        ) from error
    if len(weights) != count:
        raise DataError(f"there are {count:,} samples and {len(weights):,} sample weights", hint="give one a sample")
    is_usable = np.isfinite(weights) & (weights >= 0)
    if not is_usable.all() or not weights.any():
        first = int(np.flatnonzero(~is_usable)[0]) if not is_usable.all() else 0
        raise DataError(
            f"the sample weight at {first} is {weights[first]:g}"
            if not is_usable.all()
            else "all sample weights are 0",
            hint="give one number of 0 or more a sample, and some above 0",
        )
    message = f"samples count in the loss and in the metrics by their weights of {weights.min():g} to {weights.max():g}"
    return weights, Findings((Finding("sample-weights", "train", count, Action.REPORTED, message),))
