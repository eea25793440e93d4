"""Arrays and tensors that the caller already has: (X, y), (X,) or X alone.

Shape legend: N samples, C channels, H height, W width, F features.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from naiad.errors import DataError
from naiad.trainer.data.findings import Findings
from naiad.trainer.data.layout import InputLayout, Layout, lay_out, undo_layout
from naiad.trainer.data.sources.array_digits import report_lost_digits
from naiad.trainer.data.sources.dense_tensor import to_dense_tensor
from naiad.trainer.data.sources.label_matrix import count_one_hot_columns, read_labels
from naiad.trainer.data.sources.raw_data import InputKind, RawData, RawSplit
from naiad.trainer.data.sources.sample_weights import read_weights

_MAX_PARTS = 4
"""Arrays of different shapes in a list or a tuple that may be inputs of one network, or X and y, rather than samples."""


def open_arrays(data: Any, *, name: str = "arrays", layout: Layout | None = None) -> RawData:
    """Opens X, (X,), (X, y), or (X, y, sample weights). Raises DataError."""
    inputs, targets, sample_weights = _split_parts(data)
    given = as_tensor(inputs)
    values = lay_out(given, layout)
    labels, findings = (None, Findings()) if targets is None else read_labels(targets)
    findings += report_lost_digits(given)
    names = numbered_names("index", len(values))
    columns = None if targets is None else count_one_hot_columns(targets)
    split = RawSplit(values, labels, names, tuple(given.shape[1:]), one_hot_columns=columns)
    if sample_weights is not None:
        weights, weight_findings = read_weights(sample_weights, len(values))
        split, findings = replace(split, weights=weights), findings + weight_findings
    if split.targets is not None and len(split.targets) != len(values):
        raise DataError(f"X has {len(values):,} samples and y has {len(split.targets):,} labels")
    if not len(values):
        raise DataError("the arrays are empty: X has 0 samples")
    return RawData(
        name, tensor_kind(values), {"train": split}, target_name="y", labels_required=True, findings=findings
    )


def apply_layout(raw: RawData, input_layout: InputLayout) -> RawData:
    """Returns the data with its arrays in another layout. Raises DataError where they cannot have it."""
    layout = input_layout.layout
    if raw.kind in (InputKind.PIL_IMAGES, InputKind.TABLE):
        if layout not in (None, Layout.IMAGE) or (raw.kind is InputKind.TABLE and layout is not None):
            raise DataError(
                f"as_ is {layout}, but the data are of kind {raw.kind}", hint="leave as_ out, or give arrays"
            )
        return raw
    if raw.kind is InputKind.DATASET_ITEMS:
        splits = {name: replace(split, inputs=split.inputs.with_layout(layout)) for name, split in raw.splits.items()}
        return replace(raw, splits=splits, layout=input_layout)
    splits = {}
    for name, split in raw.splits.items():
        given_shape = split.given_shape if split.given_shape is not None else _shape_without_channel(split.inputs)
        values = lay_out(undo_layout(split.inputs, given_shape), layout)
        splits[name] = replace(split, inputs=values, given_shape=given_shape)
    return replace(raw, kind=tensor_kind(splits["train"].inputs), splits=splits, layout=input_layout)


def tensor_kind(values: Tensor) -> InputKind:
    """Returns the kind of inputs that ``lay_out`` has made."""
    if values.dtype is torch.int64:
        return InputKind.TOKENS
    return InputKind.IMAGES if values.dtype is torch.uint8 else InputKind.ARRAYS


def numbered_names(word: str, count: int) -> list[str]:
    """Returns ``index 0``, ``index 1``, … for the word ``index``."""
    return [f"{word} {index}" for index in range(count)]


def to_sample_tensor(inputs: Any, layout: Layout | None = None) -> Tensor:
    """Returns uint8 (N, C, H, W) for images, int64 (N, T) for tokens, float32 (N, F) or (N, …) for all else. Raises DataError."""
    return lay_out(as_tensor(inputs), layout)


def as_tensor(inputs: Any) -> Tensor:
    """Returns an array-like of numbers as a tensor on the CPU. Raises DataError."""
    if isinstance(inputs, Tensor):
        return to_dense_tensor(inputs, name="X")
    if isinstance(inputs, np.ma.MaskedArray):
        inputs = np.ma.filled(inputs.astype(np.float64), np.nan)  # masked values are missing
    if hasattr(inputs, "toarray") and hasattr(inputs, "nnz"):  # a sparse matrix of SciPy
        inputs = inputs.toarray()
    if isinstance(inputs, Mapping | Dataset | DataLoader | Iterator):
        raise DataError(
            f"X is of type {type(inputs).__name__}, not an array of numbers",
            hint="give one array or tensor; a network takes one input, so several are concatenated",
        )
    try:
        values = np.asarray(inputs)
    except ValueError as error:
        raise _ragged_error(inputs, error) from error
    if values.dtype == object:
        values = _to_numbers(values)
    if values.dtype.kind not in "buif":
        raise DataError(
            f"X holds {values.dtype}, not numbers",
            hint="give a DataFrame and label= for mixed columns; text of one column is given as token ids",
        )
    if values.dtype in (np.uint16, np.uint32, np.uint64):
        values = values.astype(np.int64)
    if not values.dtype.isnative or not values.flags.writeable or any(stride < 0 for stride in values.strides):
        values = values.astype(values.dtype.newbyteorder("="), copy=True, order="C")
    return torch.from_numpy(values)


def _ragged_error(inputs: Any, error: ValueError) -> DataError:
    """Says which: several arrays in the place of one, or samples that differ in shape."""
    shapes = [tuple(part.shape) for part in inputs if hasattr(part, "shape")]
    if len(shapes) == len(inputs) <= _MAX_PARTS and len({shape[:1] for shape in shapes}) == 1 and shapes[0]:
        return DataError(
            f"X is {len(shapes)} arrays of the shapes {', '.join(map(str, shapes))}, not one",
            hint="give X alone to predict and (X, y) to train; several inputs are concatenated into one X",
        )
    return DataError(f"the samples of X differ in shape: {error}", hint="pad or cut them to one size")


def _split_parts(data: Any) -> tuple[Any, Any, Any]:
    """Returns X, y and sample weights; None for what is not given."""
    if not isinstance(data, tuple):
        return data, None, None
    match data:
        case (inputs,):
            return inputs, None, None
        case (inputs, targets) | (inputs, targets, None):
            return inputs, targets, None
        case (inputs, targets, weights) if _is_column(weights):
            _refuse_second_input(targets)
            return inputs, targets, weights
    raise DataError(
        f"a tuple of {len(data)} was given, but (X, y), (X,) or (X, y, sample weights) is needed",
        hint='give splits as {"train": (X, y), "test": (X, y)}',
    )


def _is_column(values: Any) -> bool:
    """Whether the values are (N,) or (N, 1)."""
    shape = np.shape(values)
    return len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)


def _refuse_second_input(targets: Any) -> None:
    """Raises DataError where (X, y, weights) may be meant as (X1, X2, y)."""
    shape = np.shape(targets)
    if len(shape) > 1 and shape[1] > 1:
        raise DataError(
            f"the second of three arrays has shape {shape}: it is no y of one label a sample",
            hint="give (X, y, sample weights); for two inputs, concatenate them into one X, and split it in forward",
        )


def _shape_without_channel(values: Tensor) -> tuple[int, ...]:
    """Returns the shape of a sample, for images of one channel without it."""
    shape = tuple(values.shape[1:])
    return shape[1:] if len(shape) == 3 and shape[0] == 1 else shape


def _to_numbers(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    try:
        return values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"X holds a value that is no number: {error}", hint="give a DataFrame and label= for mixed columns"
        ) from error
