"""Range of the numbers that a model was trained on, and the check that later inputs are on the same scale.

Only what is plainly another scale is refused: raw pixels where the model learnt scaled ones, or the other way round.
Knows NumPy arrays, so that endpoints can use it without torch.
"""

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

_MAX_PIXEL = 255
_SMALL = 16.0
"""Largest absolute value of inputs that were scaled or normalised."""
_MIN_VALUES = 16
"""Fewest numbers of a sample for which whole numbers of 0…255 are taken for pixels, unless they are bytes in two axes or more."""
_MIN_RATIO = 8.0
"""Least factor by which pixels exceed the training range."""

_ROWS = 1_024
"""Samples that are looked at together."""


@dataclass(frozen=True)
class ValueRange:
    """Numbers of a training split."""

    low: float
    high: float
    is_whole: bool
    """Whether all of them are whole numbers."""

    @property
    def is_scaled(self) -> bool:
        """Whether the numbers are small and have fractions, as scaled or normalised pixels do."""
        return not self.is_whole and max(abs(self.low), abs(self.high)) <= _SMALL

    @property
    def is_pixels(self) -> bool:
        """Whether the numbers may be raw pixels."""
        return self.is_whole and self.low >= 0 and _MAX_PIXEL / 2 < self.high <= _MAX_PIXEL

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any] | None) -> Self | None:
        return None if values is None else cls(float(values["low"]), float(values["high"]), bool(values["is_whole"]))


def measure_range(values: npt.NDArray[Any]) -> ValueRange | None:
    """Returns the range of the finite values (N, …); None where there are none. Takes little memory besides them."""
    ranges = [_measure_rows(values[start : start + _ROWS]) for start in range(0, len(values), _ROWS)]
    known = [each for each in ranges if each is not None]
    if not known:
        return None
    low, high = min(each.low for each in known), max(each.high for each in known)
    return ValueRange(low, high, all(each.is_whole for each in known))


def _measure_rows(values: npt.NDArray[Any]) -> ValueRange | None:
    is_integer = values.dtype.kind in "biu"
    finite = values if is_integer else values[np.isfinite(values)]
    if not finite.size:
        return None
    is_whole = is_integer or bool((finite == np.round(finite)).all())
    return ValueRange(float(finite.min()), float(finite.max()), is_whole)


def describe_scale_difference(values: npt.NDArray[Any], trained: ValueRange) -> tuple[str, str] | None:
    """Returns what differs and what to do, where inputs (N, …) are plainly on another scale; else None."""
    sample_size = int(np.prod(values.shape[1:]))
    if not (trained.is_scaled or (trained.is_pixels and sample_size >= _MIN_VALUES)):
        return None
    given = measure_range(values)
    if given is None or given.low == given.high == 0:
        return None
    learnt = f"the model was trained on numbers from {trained.low:g} to {trained.high:g}"
    if trained.is_scaled and _are_pixels(values, given, trained, sample_size):
        kind = "bytes" if values.dtype == np.uint8 else "whole numbers"
        return (
            f"{learnt}, but these are {kind} from {given.low:g} to {given.high:g}, as raw pixels are",
            "scale them as the training data were scaled, or train on the raw pixels",
        )
    if trained.is_pixels and not given.is_whole and max(abs(given.low), abs(given.high)) <= _SMALL / 2:
        return (
            f"{learnt}, as raw pixels are, but these are numbers from {given.low:g} to {given.high:g}",
            "give the raw pixels, or train on scaled ones",
        )
    return None


def _are_pixels(values: npt.NDArray[Any], given: ValueRange, trained: ValueRange, sample_size: int) -> bool:
    if not given.is_whole or given.low < 0 or given.high > _MAX_PIXEL or given.high <= 1:
        return False
    if values.dtype == np.uint8 and values.ndim > 2:
        return True
    largest = max(abs(trained.low), abs(trained.high), 1.0)
    return sample_size >= _MIN_VALUES and given.high >= _MIN_RATIO * largest
