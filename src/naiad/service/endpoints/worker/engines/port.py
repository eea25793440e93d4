"""Contract of an engine: a library that runs an artifact's program.

Shape legend: N samples, K scores of a sample.
"""

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt


class Engine(Protocol):
    """Not safe for threads."""

    name: str

    def run(self, raw: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Returns scores (N, K). raw: (N, *sample_shape) in the input schema's dtype; N is at least 1."""
