"""Columns whose differences float32 cannot hold."""

import numpy as np
import pytest
import torch

from naiad.trainer.data.sources.array_digits import report_lost_digits
from naiad.trainer.data.sources.open import open_source

SECONDS = np.arange(40.0)


def test_seconds_of_one_day_are_told() -> None:
    columns = np.stack([SECONDS, 1.7e9 + SECONDS, 1e6 * SECONDS], axis=1)
    raw = open_source((columns, SECONDS))
    assert [(item.kind, item.examples) for item in raw.findings.items] == [("lost-digits", ("column 1",))]
    assert report_lost_digits(torch.arange(2**40, 2**40 + 9)[:, None]).items


@pytest.mark.parametrize("offset", [0.0, 2020.0, 2e4])
def test_numbers_that_float32_holds_are_not(offset: float) -> None:
    assert not report_lost_digits(torch.from_numpy(SECONDS + offset)[:, None]).items


def test_what_is_constant_or_not_finite_is_not() -> None:
    assert not report_lost_digits(torch.full((5, 1), 1.7e9, dtype=torch.float64)).items
    assert not report_lost_digits(torch.tensor([[1e9], [float("nan")]], dtype=torch.float64)).items
    assert not report_lost_digits(torch.empty((0, 2), dtype=torch.float64)).items
