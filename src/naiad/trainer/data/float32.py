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
    if not len(finite):
        return False
    largest = float(np.abs(finite).max())
    if largest > _LARGEST:
        return True
    deviation = float(finite.std())
    return 0 < deviation < max(_ROUNDING * largest / _MAX_LOSS, _SMALLEST)
