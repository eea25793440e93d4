"""Cleans arrays of numbers: infinities become NaN, which the features fill with the training mean. Reports constant columns."""

import math

import torch
from torch import Tensor

from naiad.trainer.data.cleaning.cleaned_split import select_names
from naiad.trainer.data.findings import Action, Findings, make_findings
from naiad.trainer.data.sources.raw_data import RawSplit

_MAX_CHECKED_COLUMNS = 10_000


def clean_array(raw: RawSplit, *, split: str) -> tuple[Tensor, Findings]:
    """Returns float32 of the same shape, finite or NaN."""
    values: Tensor = raw.inputs
    is_finite = torch.isfinite(values)
    findings = Findings()
    if not bool(is_finite.all()):
        rows = ~is_finite.flatten(1).all(dim=1).numpy()
        message = "samples with NaN or infinite numbers: each is filled with the training mean of its column or channel"
        findings = make_findings("non-finite", split, select_names(raw.names, rows), Action.REPAIRED, message)
        values = torch.where(is_finite, values, math.nan)
    if split == "train" and values.ndim == 2 and len(values) > 1:
        findings += _report_constant_columns(values)
    return values, findings


def _report_constant_columns(values: Tensor) -> Findings:
    if values.shape[1] > _MAX_CHECKED_COLUMNS:
        return Findings()
    low = torch.where(values.isnan(), math.inf, values).amin(dim=0)
    high = torch.where(values.isnan(), -math.inf, values).amax(dim=0)
    names = [f"column {index}" for index in torch.nonzero(low >= high).flatten().tolist()]
    message = "columns that have one value, or none, in the training data: the network learns nothing from them"
    return make_findings("constant-column", "train", names, Action.REPORTED, message)
