"""Layouts of arrays."""

import numpy as np
import pytest
import torch

from naiad.errors import DataError, OptionError
from naiad.trainer.data.layout import InputLayout, Layout, check_layout, lay_out, undo_layout
from naiad.trainer.data.sources.arrays import apply_layout, open_arrays
from naiad.trainer.data.sources.raw_data import InputKind


@pytest.mark.parametrize(
    ("shape", "dtype", "layout", "expected", "expected_dtype"),
    [
        ((6, 12, 4), torch.int64, None, (6, 1, 12, 4), torch.float32),
        ((6, 12, 12), torch.int64, None, (6, 1, 12, 12), torch.uint8),
        ((6, 12, 4), torch.uint8, None, (6, 1, 12, 4), torch.uint8),
        ((6, 12, 4), torch.int64, Layout.IMAGE, (6, 1, 12, 4), torch.uint8),
        ((6, 12, 12, 3), torch.int64, None, (6, 3, 12, 12), torch.uint8),
        ((6, 3, 4, 4), torch.int64, None, (6, 3, 4, 4), torch.float32),
        ((6, 12, 4), torch.int64, Layout.SEQUENCE, (6, 12, 4), torch.float32),
        ((6, 12, 4), torch.uint8, Layout.SEQUENCE, (6, 12, 4), torch.float32),
        ((6, 12, 12, 3), torch.float32, Layout.SEQUENCE, (6, 12, 12, 3), torch.float32),
        ((6, 12), torch.float64, Layout.TOKENS, (6, 12), torch.int64),
        ((6,), torch.int32, Layout.TOKENS, (6, 1), torch.int64),
    ],
)
def test_layouts(
    shape: tuple[int, ...],
    dtype: torch.dtype,
    layout: Layout | None,
    expected: tuple[int, ...],
    expected_dtype: torch.dtype,
) -> None:
    values = lay_out(torch.ones(shape, dtype=dtype), layout)
    assert (tuple(values.shape), values.dtype) == (expected, expected_dtype)


@pytest.mark.parametrize("shape", [(5, 4), (5, 8, 9), (5, 8, 9, 3), (5, 3, 8, 9), (5, 2, 3, 4, 5)])
def test_a_layout_can_be_undone(shape: tuple[int, ...]) -> None:
    given = torch.arange(float(np.prod(shape))).reshape(shape)
    assert torch.equal(undo_layout(lay_out(given, None), shape[1:]), given)


@pytest.mark.parametrize(
    ("values", "layout", "message"),
    [
        (torch.zeros(4, 3), Layout.SEQUENCE, "as_ is sequence, but the samples have shape"),
        (torch.zeros(4, 3), Layout.IMAGE, "as_ is image, but the samples have shape"),
        (torch.full((4, 3), 0.5), Layout.TOKENS, "numbers with fractions"),
        (torch.full((4, 3), -1), Layout.TOKENS, "token ids start at 0, but X holds -1"),
    ],
)
def test_arrays_that_cannot_have_the_layout_are_refused(values: torch.Tensor, layout: Layout, message: str) -> None:
    with pytest.raises(DataError, match=message):
        lay_out(values, layout)


def test_an_unknown_layout_is_refused() -> None:
    assert check_layout(None) is None
    assert check_layout("tokens") is Layout.TOKENS
    with pytest.raises(OptionError, match="as_ 'token' is not known") as caught:
        check_layout("token")
    assert "tokens" in str(caught.value.hint)


def test_opened_arrays_can_change_their_layout() -> None:
    counts = np.arange(96).reshape(2, 12, 4)
    raw = apply_layout(open_arrays((counts, [0, 1])), InputLayout(Layout.SEQUENCE))
    assert raw.kind is InputKind.ARRAYS
    assert np.array_equal(raw.splits["train"].inputs.numpy(), counts)
    tokens = apply_layout(open_arrays(counts), InputLayout(Layout.TOKENS))
    assert tokens.kind is InputKind.TOKENS
    assert np.array_equal(tokens.splits["train"].inputs.numpy(), counts)
