"""Arrays and tensors that the caller already has: (X, y), (X,) or X alone.

Shape legend: N samples, C channels, H height, W width, F features.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from naiad.errors import DataError
from naiad.trainer.data.sources.raw_data import Kind, RawData, RawSplit

CHANNELS = (1, 3, 4)


def open_arrays(data: Any, *, name: str = "arrays") -> RawData:
    """``data``: X, (X,) or (X, y). Raises DataError."""
    inputs, targets = _pair(data)
    values = canonical(inputs)
    split = RawSplit(values, None if targets is None else one_dimensional(targets), numbered("index", len(values)))
    if split.targets is not None and len(split.targets) != len(values):
        raise DataError(f"X has {len(values):,} samples and y has {len(split.targets):,} labels")
    if not len(values):
        raise DataError("the arrays are empty: X has 0 samples")
    return RawData(name, kind_of(values), {"train": split}, target_name="y", labels_must_be_whole=True)


def kind_of(values: Tensor) -> Kind:
    return Kind.IMAGES if values.dtype is torch.uint8 else Kind.ARRAYS


def numbered(word: str, count: int) -> list[str]:
    return [f"{word} {index}" for index in range(count)]


def canonical(inputs: Any) -> Tensor:
    """uint8 (N, C, H, W) for images, float32 (N, F) or (N, C, H, W) for the rest. Raises DataError.

    Whole numbers of 0…255 in three or four dimensions are images; the channel axis is the one of length 1, 3 or 4.
    """
    values = as_tensor(inputs)
    if values.ndim >= 3 and values.dtype is not torch.uint8 and _holds_pixels(values):
        values = values.to(torch.uint8)
    return as_layout(values)


def as_layout(values: Tensor) -> Tensor:
    """Depends on shape and dtype only, so that a batch and the whole are laid out alike."""
    if values.ndim == 0:
        raise DataError("X is a single number, not an array of samples")
    if values.ndim == 1:
        values = values.unsqueeze(1)
    if values.ndim == 3:
        values = values.unsqueeze(1)
    elif values.ndim == 4 and channels_last(values.shape[1:]):
        values = values.permute(0, 3, 1, 2)
    image = values.dtype is torch.uint8 and values.ndim == 4 and values.shape[1] in CHANNELS
    return values.to(torch.uint8 if image else torch.float32).contiguous()


def channels_last(shape: torch.Size | tuple[int, ...]) -> bool:
    """Whether (H, W, C) fits three axes better than (C, H, W)."""
    first, _, last = shape
    return last in CHANNELS and first not in CHANNELS


def as_tensor(inputs: Any) -> Tensor:
    """Any array-like of numbers. Raises DataError."""
    if isinstance(inputs, Tensor):
        return inputs.detach().cpu()
    try:
        values = np.asarray(inputs)
    except ValueError as error:
        raise DataError(f"X is no array of one shape: {error}", hint="give samples of one size") from error
    if values.dtype == object:
        values = _numbers(values)
    if values.dtype.kind not in "buif":
        raise DataError(f"X holds {values.dtype}, not numbers", hint="give a DataFrame and label= for mixed columns")
    if values.dtype in (np.uint16, np.uint32, np.uint64):
        values = values.astype(np.int64)
    if not values.dtype.isnative or not values.flags.writeable or any(stride < 0 for stride in values.strides):
        values = values.astype(values.dtype.newbyteorder("="), copy=True, order="C")
    return torch.from_numpy(values)


def one_dimensional(targets: Any) -> npt.NDArray[Any]:
    """Labels (N,) as NumPy has them; (N, 1) is flattened. Raises DataError."""
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


def _pair(data: Any) -> tuple[Any, Any]:
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


def _numbers(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    try:
        return values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"X holds something that is no number: {error}", hint="give a DataFrame and label= for mixed columns"
        ) from error
