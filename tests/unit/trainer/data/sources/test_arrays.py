"""Arrays and tensors: their layouts, and what does not fit."""

import numpy as np
import pytest
import torch

from naiad.errors import DataError
from naiad.trainer.data.sources.arrays import open_arrays, to_sample_tensor
from naiad.trainer.data.sources.raw_data import InputKind


@pytest.mark.parametrize(
    ("shape", "dtype", "expected", "kind"),
    [
        ((6, 8, 9), "uint8", (6, 1, 8, 9), torch.uint8),
        ((6, 8, 9), "int64", (6, 1, 8, 9), torch.uint8),
        ((6, 8, 9, 3), "uint8", (6, 3, 8, 9), torch.uint8),
        ((6, 3, 8, 9), "uint8", (6, 3, 8, 9), torch.uint8),
        ((6, 8, 9), "float64", (6, 1, 8, 9), torch.float32),
        ((6, 3, 8, 9), "float32", (6, 3, 8, 9), torch.float32),
        ((6, 8, 9, 1), "float32", (6, 1, 8, 9), torch.float32),
        ((6, 5), "uint8", (6, 5), torch.float32),
        ((6,), "float32", (6, 1), torch.float32),
        ((6, 5), "bool", (6, 5), torch.float32),
    ],
)
def test_layouts(shape: tuple[int, ...], dtype: str, expected: tuple[int, ...], kind: torch.dtype) -> None:
    values = to_sample_tensor(np.ones(shape, dtype))
    assert tuple(values.shape) == expected
    assert values.dtype is kind


def test_labels_are_optional() -> None:
    X, y = np.zeros((4, 2)), [0, 1, 0, 1]
    assert open_arrays((X, y)).kind is InputKind.ARRAYS
    assert open_arrays((X,)).splits["train"].targets is None
    assert open_arrays(torch.zeros(4, 2)).splits["train"].targets is None


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((np.zeros((4, 2)), [0, 1]), "4 samples and y has 2"),
        ((np.zeros((4, 2)), np.zeros((4, 2))), "one label a sample"),
        ((np.zeros((0, 2)), []), "empty"),
        ((np.array([["a"], ["b"]]), [0, 1]), "not numbers"),
        (([[1, 2], [3]], [0, 1]), "differ in shape"),
        ((1, 2, 3), "a tuple of 3"),
        (np.float64(3), "single number"),
    ],
)
def test_data_that_does_not_fit_is_an_error(data: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        open_arrays(data)
