"""Range of the numbers that a model was trained on, and the check that later inputs are on the same scale.

Only what is plainly another scale is refused: raw pixels where the model learnt scaled ones, or the other way round.
Knows NumPy arrays, so that endpoints can use it without torch.
"""

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

_MAX_PIXEL = 255
SMALL = 16.0
"""Largest absolute value of inputs that were scaled or normalised."""
_MIN_VALUES = 16
"""Fewest numbers of a sample for which whole numbers of 0…255 are taken for pixels, unless they are bytes in two axes or more."""
MIN_RATIO = 8.0
"""Least factor by which pixels exceed the training range."""
_MAX_DARKER = 4.0
"""Least factor by which pixels are below all of the training range."""
_MIN_DEEP = 1_023
"""Least range of pixels with more than 8 bits."""
_UNIT = 1 / 255
"""A grey level of pixels that are scaled to 0…1."""
_ROUNDING = 1.001
SCALE_ONCE = "scale them once: pixels of 0…255 divided by 255"

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
        return not self.is_whole and self.largest <= SMALL

    @property
    def is_small(self) -> bool:
        """Whether the numbers are small, as those of binary images and of digits of 0…16 are too."""
        return self.largest <= SMALL

    @property
    def is_pixels(self) -> bool:
        """Whether the numbers may be raw pixels, of 8 bits or more."""
        return self.is_whole and self.low >= 0 and self.high > _MAX_PIXEL / 2

    @property
    def largest(self) -> float:
        """Largest absolute value."""
        return max(abs(self.low), abs(self.high))

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
    has_many = int(np.prod(values.shape[1:])) >= _MIN_VALUES
    is_bytes = values.dtype == np.uint8 and values.ndim > 2
    can_differ = trained.is_small or (trained.is_pixels and has_many)
    measured = measure_range(values) if can_differ else None
    if measured is None or measured.low == measured.high == 0:
        return None
    learnt = f"the model was trained on numbers from {trained.low:g} to {trained.high:g}"
    if trained.is_small and _are_pixels(measured, trained, is_bytes=is_bytes, has_many=has_many):
        kind = "bytes" if values.dtype == np.uint8 else "whole numbers"
        return (
            f"{learnt}, but these are {kind} from {measured.low:g} to {measured.high:g}, as raw pixels are",
            "scale them as the training data were scaled, or train on the raw pixels",
        )
    is_fraction = not measured.is_whole and measured.largest <= SMALL / 2
    is_image = trained.high <= _MAX_PIXEL or values.ndim > 2
    if trained.is_pixels and is_fraction and is_image:
        kind, advice = (
            f"numbers from {measured.low:g} to {measured.high:g}",
            "give the raw pixels, or train on scaled ones",
        )
        return f"{learnt}, as raw pixels are, but these are {kind}", advice
    if is_bytes and trained.is_pixels and trained.high >= _MIN_DEEP:
        return f"{learnt}, but these are bytes up to {measured.high:g}", "give the numbers with all of their bits"
    is_twice = has_many and _are_scaled_twice(values, measured, trained)
    kind = f"numbers up to {measured.high:.2g}, as pixels are that were scaled twice"
    return (f"{learnt}, but these are {kind}", SCALE_ONCE) if is_twice else None


def describe_deep_difference(values: npt.NDArray[Any], trained: ValueRange) -> tuple[str, str] | None:
    """Does what ``describe_scale_difference`` does, for images of more than 8 bits; numbers far below the range differ too."""
    difference = describe_scale_difference(values, trained)
    measured = measure_range(values) if difference is None and trained.low > 0 else None
    if measured is None or not 0 < measured.high < trained.low / _MAX_DARKER:
        return difference
    return (
        f"the model was trained on pixels from {trained.low:g} to {trained.high:g}, but these are from {measured.low:g} to "
        f"{measured.high:g}",
        "give the pixels as the files of the training data store them",
    )


def are_scaled_twice(values: npt.NDArray[Any], high: float) -> bool:
    """Whether floats (N, …) up to ``high`` are pixels of 0…255 that were divided by 255 two times, and not a few dark ones."""
    if not 0 < high <= _UNIT * _ROUNDING:
        return False
    positive = values[values > 0]
    return positive.size >= _MIN_VALUES and bool((positive < _UNIT / 2).any())


def _are_scaled_twice(values: npt.NDArray[Any], measured: ValueRange, trained: ValueRange) -> bool:
    is_unit = trained.is_scaled and trained.low >= 0 and 0.5 < trained.high <= 1  # reason: 0…1
    return is_unit and measured.low >= 0 and are_scaled_twice(values, measured.high)


def _are_pixels(measured: ValueRange, trained: ValueRange, *, is_bytes: bool, has_many: bool) -> bool:
    if not measured.is_whole or measured.low < 0 or measured.high > _MAX_PIXEL or measured.high <= 1:
        return False
    if trained.is_whole:  # binary images, or counts: only the range of pixels tells the difference
        is_far = measured.high > _MAX_PIXEL / 2 if trained.high <= 1 else is_bytes
        return trained.low >= 0 and has_many and is_far and measured.high >= MIN_RATIO * max(trained.high, 1.0)
    return is_bytes or (has_many and measured.high >= MIN_RATIO * max(trained.largest, 1.0))
