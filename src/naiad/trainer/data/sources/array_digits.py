"""Columns of arrays whose differences float32 cannot hold: networks compute in float32, so these are told.

Shape legend: N samples, F features.
"""

import torch
from torch import Tensor

from naiad.trainer.data.findings import Action, Findings, make_findings
from naiad.trainer.data.float32 import is_lossy_range

_LARGE = 2.0**13
"""Numbers up to here lose nothing that counts beside a deviation of 1."""


def report_lost_digits(values: Tensor) -> Findings:
    """Reports the columns of (N, F) that lose digits which tell samples apart, such as Unix seconds of one day."""
    is_wide = values.dtype in (torch.float64, torch.int32, torch.int64)
    if values.ndim != 2 or len(values) < 2 or not is_wide:
        return Findings()
    low, high = values.amin(dim=0).double(), values.amax(dim=0).double()
    largest = torch.maximum(low.abs(), high.abs())
    columns = torch.nonzero((largest > _LARGE) & (high > low) & largest.isfinite()).flatten().tolist()
    lossy = [
        column
        for column in columns
        if is_lossy_range(float(low[column]), float(high[column]), float(values[:, column].double().std()))
    ]
    message = (
        "columns whose numbers differ by less than float32 holds beside their size: subtract a constant from them, such as "
        "the first number"
    )
    return make_findings("lost-digits", "train", [f"column {column}" for column in lossy], Action.REPORTED, message)
