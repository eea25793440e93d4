"""Numbers that float32 cannot tell apart: values whose offset is large beside their spread, such as Unix seconds of one day.

Shape legend: N values.
"""

import numpy as np
import numpy.typing as npt

_ROUNDING = float(np.finfo(np.float32).eps)
_MAX_LOSS = 1e-3
"""Rounding of a value that is accepted, as a fraction of the values' deviation."""
_LARGEST, _SMALLEST = 1e37, 1e-30
"""Bounds between which float32 has all of its digits, with a margin."""


def is_lossy(values_N: npt.NDArray[np.float64]) -> bool:
    """Whether float32 loses a part of the differences between the finite values that a network could learn from."""
    finite = values_N[np.isfinite(values_N)]
    return bool(len(finite)) and is_lossy_range(float(finite.min()), float(finite.max()), float(finite.std()))


def is_lossy_range(low: float, high: float, deviation: float) -> bool:
    """Does what ``is_lossy`` does for values between ``low`` and ``high``."""
    largest = max(abs(low), abs(high))
    return largest > _LARGEST or 0 < deviation < max(_ROUNDING * largest / _MAX_LOSS, _SMALLEST)
