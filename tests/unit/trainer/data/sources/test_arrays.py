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
    ],
)
def test_tensors_without_plain_numbers_are_an_error(inputs: torch.Tensor, message: str) -> None:
    with pytest.raises(DataError, match=message):
        as_tensor(inputs)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_rows_of_many_lengths_are_an_error() -> None:
    with pytest.raises(DataError, match="rows differ in length"):
        as_tensor(torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)]))


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
def test_quantised_numbers_are_read() -> None:
    assert torch.equal(as_tensor(torch.quantize_per_tensor(VALUES, 1.0, 0, torch.qint8)), VALUES)


def test_weights_may_be_left_out_or_be_a_column() -> None:
    assert open_arrays((VALUES, [0, 1], None)).splits["train"].weights is None
    weights = open_arrays((VALUES, [0, 1], [[2.0], [1.0]])).splits["train"].weights
    assert weights is not None
    assert weights.tolist() == [2, 1]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((VALUES, np.eye(2), [0, 1]), r"the second of three arrays has shape \(2, 2\)"),
        (([np.ones((5, 2)), np.ones((5, 3))], range(5)), r"X is 2 arrays of the shapes \(5, 2\), \(5, 3\), not one"),
        (({"a": VALUES}, [0, 1]), "X is of type dict"),
        ((iter(VALUES), [0, 1]), "X is of type"),
        (([np.ones((5, 2)), np.ones((6, 2))], [0, 1]), "differ in shape"),
    ],
)
def test_several_inputs_are_refused(data: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        open_arrays(data)
