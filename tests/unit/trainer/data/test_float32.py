"""Numbers that float32 cannot tell apart."""

import numpy as np
import pytest

from naiad.trainer.data.float32 import is_lossy

NORMAL = np.random.default_rng(0).normal(size=200)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (NORMAL, False),
        (2000 + 10 * NORMAL, False),
        (1e6 + 1e5 * NORMAL, False),
        (1.7e9 + 20 * NORMAL, True),
        (1e9 + 1e6 * NORMAL, False),
        (1e40 * NORMAL, True),
        (1e-40 * NORMAL, True),
        (np.full(9, 1.7e9), False),
        (np.array([np.nan, np.inf]), False),
        (np.array([]), False),
    ],
)
def test_lossy_values(values, expected):
    assert is_lossy(values) is expected
