"""Contract of an engine: a library that runs an artifact's program.

Shape legend: N samples, K scores of a sample.
"""

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float32 | np.float64]
"""(N, K). float64 only for a regression whose differences float32 loses."""


class Engine(Protocol):
    """Not safe for threads."""

    name: str

    def run(self, raw: npt.NDArray[Any]) -> Scores:
        """Returns scores (N, K). raw: (N, *sample_shape) in the input schema's dtype; N is at least 1."""
