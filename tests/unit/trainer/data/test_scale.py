"""The scale of inputs: raw pixels and scaled ones are told apart, nothing else is."""

from typing import Any

import numpy as np
import pytest

from naiad.trainer.data.scale import (
    ValueRange,
    are_scaled_twice,
    describe_deep_difference,
    describe_scale_difference,
    measure_range,
)

rng = np.random.default_rng(0)
PIXELS = rng.integers(0, 256, (4, 3, 8, 8))
UNIT = PIXELS / 255
NORMALISED = UNIT * 2 - 1


def differs(trained: Any, given: Any) -> bool:
    value_range = measure_range(trained)
    assert value_range is not None
    return describe_scale_difference(given, value_range) is not None


@pytest.mark.parametrize("trained", [UNIT, NORMALISED, UNIT.reshape(4, -1)])
@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32"])
def test_raw_pixels_are_another_scale_than_scaled_ones(trained: Any, dtype: str) -> None:
    assert differs(trained, PIXELS.reshape(trained.shape).astype(dtype))


def test_dark_bytes_are_raw_pixels_too() -> None:
    assert differs(UNIT, np.full((1, 3, 8, 8), 2, np.uint8))


BINARY = (PIXELS > 128).astype(np.float32)


@pytest.mark.parametrize(
    ("trained", "given"),
    [
        (BINARY, PIXELS),
        (BINARY.reshape(4, -1), PIXELS.reshape(4, -1)),
        (BINARY * 16, PIXELS.astype(np.uint8)),
        (PIXELS * 16, PIXELS.astype(np.uint8)),
        (PIXELS * 16, UNIT),
        (UNIT, UNIT / 255),
    ],
)
def test_other_ranges_are_other_scales(trained: Any, given: Any) -> None:
    assert differs(trained, given)


@pytest.mark.parametrize(
    ("values", "high", "expected"),
    [(UNIT / 255, 1 / 255, True), (BINARY / 255, 1 / 255, False), (UNIT, 1.0, False), (BINARY * 0, 0.0, False)],
)
def test_pixels_that_were_scaled_twice(values: Any, high: float, expected: bool) -> None:
    assert are_scaled_twice(values, high) is expected


def test_deep_pixels_far_below_the_training_range_are_another_scale() -> None:
    trained = ValueRange(900, 1500, is_whole=True)
    assert describe_deep_difference(np.full((1, 8, 8), 4.0), trained) is not None
    assert describe_deep_difference(np.full((1, 8, 8), 500.0), trained) is None
    assert describe_deep_difference(np.zeros((1, 8, 8)), trained) is None


@pytest.mark.parametrize("given", [UNIT, NORMALISED])
def test_scaled_pixels_are_another_scale_than_raw_ones(given: Any) -> None:
    assert differs(PIXELS.astype(np.float32), given)


@pytest.mark.parametrize(
    ("trained", "given"),
    [
        (UNIT, UNIT * 0.5),
        (UNIT, UNIT * 3),
        (UNIT, np.zeros((1, 3, 8, 8), np.uint8)),
        (UNIT, (UNIT > 0.5).astype(np.uint8)),
        (NORMALISED, UNIT),
        (PIXELS, PIXELS // 2),
        (BINARY, BINARY.astype(np.uint8)),
        (BINARY, UNIT),
        (rng.integers(0, 2, (50, 30)), rng.integers(0, 20, (5, 30))),
        (rng.integers(0, 17, (50, 8, 8)), rng.integers(0, 200, (5, 8, 8))),
        (PIXELS * 16, PIXELS),
        (PIXELS, np.full((1, 3, 8, 8), np.nan)),
        (rng.normal(size=(50, 3)), rng.integers(0, 200, (5, 3))),
        (rng.integers(0, 200, (50, 3)), rng.random((5, 3))),
        (rng.normal(size=(50, 30)) * 1000, rng.integers(0, 200, (5, 30))),
    ],
)
def test_what_may_be_the_same_scale_passes(trained: Any, given: Any) -> None:
    assert not differs(trained, given)


def test_the_range_leaves_out_what_is_not_finite() -> None:
    assert measure_range(np.array([[1.0, np.nan], [3.0, np.inf]])) == ValueRange(1, 3, is_whole=True)
    assert measure_range(np.array([[0.5], [2.0]])) == ValueRange(0.5, 2, is_whole=False)
    assert measure_range(np.full((2, 2), np.nan)) is None
    assert ValueRange.from_json(ValueRange(0, 1, is_whole=False).to_json()) == ValueRange(0, 1, is_whole=False)
    assert ValueRange.from_json(None) is None
