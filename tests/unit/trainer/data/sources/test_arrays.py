"""Arrays and tensors: their layouts, and what does not fit."""

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from naiad.errors import DataError
from naiad.trainer.data.sources.arrays import as_tensor, open_arrays, to_sample_tensor
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


VALUES = torch.tensor([[0.0, 1.0], [2.0, 0.0]])


@pytest.mark.parametrize(
    "inputs",
    [
        VALUES.to_sparse(),

        torch.quantize_per_tensor(VALUES, 1.0, 0, torch.qint8),
        VALUES.clone().requires_grad_(),
        csr_matrix(VALUES.numpy()),
        VALUES.numpy()[::-1][::-1],
    ],
)
def test_other_forms_of_numbers_are_read(inputs: object) -> None:
    assert torch.equal(as_tensor(inputs).float(), VALUES)


def test_masked_values_are_missing() -> None:
    masked = np.ma.masked_array(VALUES.numpy(), VALUES.numpy() == 2)
    assert as_tensor(masked).isnan().tolist() == [[False, False], [True, False]]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (VALUES.to(torch.complex64), "complex numbers"),
        (torch.zeros(2, 2, device="meta"), "no values"),
        (torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)]), "rows of many lengths"),
    ],
)
def test_tensors_without_plain_numbers_are_an_error(inputs: torch.Tensor, message: str) -> None:
    with pytest.raises(DataError, match=message):
        as_tensor(inputs)
