"""Arrays of numbers."""

import math

import torch

from naiad.trainer.data.cleaning.arrays import clean_array
from naiad.trainer.data.findings import Action
from naiad.trainer.data.sources.raw_data import RawSplit


def test_infinities_become_nan_and_constant_columns_are_reported() -> None:
    values = torch.tensor([[1.0, 5.0], [math.inf, 5.0], [3.0, math.nan]])
    cleaned, findings = clean_array(RawSplit(values, None, ["a", "b", "c"]), split="train")
    assert cleaned.isnan().tolist() == [[False, False], [True, False], [False, True]]
    assert [(item.kind, item.action, item.examples) for item in findings.items] == [
        ("non-finite", Action.REPAIRED, ("b", "c")),
        ("constant-column", Action.REPORTED, ("column 1",)),
    ]
