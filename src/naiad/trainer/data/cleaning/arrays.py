"""Arrays of numbers: infinities become NaN, which the features fill with the training mean; constant columns are told."""

import math

import torch
from torch import Tensor

from naiad.trainer.data.cleaning.checked import chosen, report
from naiad.trainer.data.findings import Action, Findings
from naiad.trainer.data.sources.raw_data import RawSplit

_SHOWN_COLUMNS = 10_000


def clean_array(raw: RawSplit, *, split: str) -> tuple[Tensor, Findings]:
    """float32 of the same shape, finite or NaN."""
    values: Tensor = raw.inputs
    finite = torch.isfinite(values)
    findings = Findings()
    if not bool(finite.all()):
        rows = ~finite.flatten(1).all(dim=1).numpy()
        message = "samples with NaN or infinite numbers: each is filled with the training mean of its column or channel"
        findings = report("non-finite", split, chosen(raw.names, rows), Action.REPAIRED, message)
        values = torch.where(finite, values, math.nan)
    if split == "train" and values.ndim == 2 and len(values) > 1:
        findings += _constant_columns(values)
    return values, findings


def _constant_columns(values: Tensor) -> Findings:
    if values.shape[1] > _SHOWN_COLUMNS:
        return Findings()
    low = torch.where(values.isnan(), math.inf, values).amin(dim=0)
    high = torch.where(values.isnan(), -math.inf, values).amax(dim=0)
    names = [f"column {index}" for index in torch.nonzero(low >= high).flatten().tolist()]
    message = "columns that hold one value, or none, in the training data: they tell the network nothing"
    return report("constant-column", "train", names, Action.TOLD, message)
