"""Arrays and tensors that the caller already has: (X, y), (X,) or X alone.

Shape legend: N samples, C channels, H height, W width, F features.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from naiad.errors import DataError
from naiad.trainer.data.sources.raw_data import InputKind, RawData, RawSplit

CHANNEL_COUNTS = (1, 3, 4)


def open_arrays(data: Any, *, name: str = "arrays") -> RawData:
    """Opens X, (X,) or (X, y). Raises DataError."""
    inputs, targets = _split_pair(data)
    values = to_sample_tensor(inputs)
    split = RawSplit(values, None if targets is None else to_label_array(targets), numbered_names("index", len(values)))
    if split.targets is not None and len(split.targets) != len(values):
        raise DataError(f"X has {len(values):,} samples and y has {len(split.targets):,} labels")
    if not len(values):
        raise DataError("the arrays are empty: X has 0 samples")
    return RawData(name, tensor_kind(values), {"train": split}, target_name="y", labels_required=True)


def tensor_kind(values: Tensor) -> InputKind:
    return InputKind.IMAGES if values.dtype is torch.uint8 else InputKind.ARRAYS


def numbered_names(word: str, count: int) -> list[str]:
    """Returns ``index 0``, ``index 1``, … for the word ``index``."""
    return [f"{word} {index}" for index in range(count)]


def to_sample_tensor(inputs: Any) -> Tensor:
    """Returns uint8 (N, C, H, W) for images, float32 (N, F) or (N, C, H, W) for all else. Raises DataError.

    Whole numbers of 0…255 in three or four dimensions are images. The channel axis is the one of length 1, 3 or 4.
    """
    values = as_tensor(inputs)
    if values.ndim >= 3 and values.dtype is not torch.uint8 and _holds_pixels(values):
        values = values.to(torch.uint8)
    return to_channels_first(values)


def to_channels_first(values: Tensor) -> Tensor:
    """Returns the same values as uint8 (N, C, H, W) or float32 (N, …). Raises DataError for a single number.

    The result depends on shape and dtype only, so one item of a Dataset is treated as all of them are.
    """
    if values.ndim == 0:
        raise DataError("X is a single number, not an array of samples")
    if values.ndim == 1:
        values = values.unsqueeze(1)
    if values.ndim == 3:
        values = values.unsqueeze(1)
    elif values.ndim == 4 and is_channels_last(values.shape[1:]):
        values = values.permute(0, 3, 1, 2)
    is_image = values.dtype is torch.uint8 and values.ndim == 4 and values.shape[1] in CHANNEL_COUNTS
    return values.to(torch.uint8 if is_image else torch.float32).contiguous()


def is_channels_last(shape: torch.Size | tuple[int, ...]) -> bool:
    """Whether a shape of three axes is (H, W, C) rather than (C, H, W)."""
    first, _, last = shape
    return last in CHANNEL_COUNTS and first not in CHANNEL_COUNTS


def as_tensor(inputs: Any) -> Tensor:
    """Returns an array-like of numbers as a tensor on the CPU. Raises DataError."""
    if isinstance(inputs, Tensor):
        return inputs.detach().cpu()
    try:
        values = np.asarray(inputs)
    except ValueError as error:
        raise DataError(f"the samples of X differ in shape: {error}", hint="give samples of one size") from error
    if values.dtype == object:
        values = _to_numbers(values)
    if values.dtype.kind not in "buif":
        raise DataError(f"X holds {values.dtype}, not numbers", hint="give a DataFrame and label= for mixed columns")
    if values.dtype in (np.uint16, np.uint32, np.uint64):
        values = values.astype(np.int64)
    if not values.dtype.isnative or not values.flags.writeable or any(stride < 0 for stride in values.strides):
        values = values.astype(values.dtype.newbyteorder("="), copy=True, order="C")
    return torch.from_numpy(values)


def to_label_array(targets: Any) -> npt.NDArray[Any]:
    """Returns the labels as a NumPy array (N,); (N, 1) is flattened. Raises DataError."""
    if isinstance(targets, Tensor):
        targets = targets.detach().cpu().numpy()
    try:
        values = np.asarray(targets)
    except ValueError as error:
        raise DataError(f"y is no array: {error}") from error
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise DataError(f"y has shape {tuple(values.shape)}, but one label a sample is needed: (N,)")
    return values


def _split_pair(data: Any) -> tuple[Any, Any]:
    if not isinstance(data, tuple):
        return data, None
    match data:
        case (inputs,):
            return inputs, None
        case (inputs, targets):
            return inputs, targets
    raise DataError(
        f"a tuple of {len(data)} was given, but (X, y) or (X,) is needed",
        hint='give splits as {"train": (X, y), "test": (X, y)}',
    )


def _holds_pixels(values: Tensor) -> bool:
    if values.is_floating_point() or values.dtype is torch.bool or not values.numel():
        return False
    return bool(values.min() >= 0) and bool(values.max() <= 255)


def _to_numbers(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    try:
        return values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"X holds a value that is no number: {error}", hint="give a DataFrame and label= for mixed columns"
        ) from error
