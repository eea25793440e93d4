"""Layouts of arrays: what the axes of a sample mean, and the tensor that a network gets.

Shape legend: N samples, C channels, H height, W width, T steps of a sequence, F features.
"""

from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor

from naiad.errors import DataError, OptionError, did_you_mean

CHANNEL_COUNTS = (1, 3, 4)
MIN_PIXEL_SIDE = 8
"""Shortest side of an array of whole numbers, other than bytes, that is taken for images without being asked to."""


class Layout(StrEnum):
    IMAGE = "image"  # (N, C, H, W); (N, H, W) and (N, H, W, C) are brought into this order
    SEQUENCE = "sequence"  # (N, T, F), (N, C, T) or more axes, as they stand
    TOKENS = "tokens"  # (N, T) whole numbers for an Embedding, as they stand


@dataclass(frozen=True)
class InputLayout:
    """Layout of a data set's samples."""

    layout: Layout | None = None
    """None is the default: columns of numbers (N, F), and images for three axes or four."""
    feature_axis: int = 0
    """Axis of a sample along which numbers are standardised, each feature by itself."""
    token_count: int | None = None
    """Token ids are below this; None takes one more than the largest training id."""


def check_layout(name: str | None) -> Layout | None:
    """Raises OptionError for a name that is no layout."""
    if name is not None and name not in list(Layout):
        raise OptionError(f"as_ {name!r} is not known", hint=did_you_mean(str(name), [str(each) for each in Layout]))
    return None if name is None else Layout(name)


def lay_out(values: Tensor, layout: Layout | None) -> Tensor:
    """Returns (N, …) in the layout: uint8 for pixels, int64 for tokens, float32 for all else. Raises DataError.

    By default, bytes of three axes or four are images, and so are whole numbers of 0…255 that have sides of 8 or more.
    """
    match layout:
        case Layout.SEQUENCE:
            return _lay_out_sequence(values)
        case Layout.TOKENS:
            return _lay_out_tokens(values)
        case Layout.IMAGE if values.ndim not in (3, 4):
            raise DataError(
                f"as_ is image, but the samples have shape {tuple(values.shape[1:])}",
                hint="give (N, H, W), (N, H, W, C) or (N, C, H, W)",
            )
    is_pixels = values.dtype is not torch.uint8 and values.ndim >= 3 and _holds_pixels(values)
    if is_pixels and (layout is Layout.IMAGE or _has_pixel_sides(values)):
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


def undo_layout(values: Tensor, given_shape: tuple[int, ...]) -> Tensor:
    """Returns the values of ``to_channels_first`` with the axes that each sample was given with."""
    if len(given_shape) == 2 and values.ndim == 4:
        return values.squeeze(1)
    if len(given_shape) == 3 and tuple(values.shape[1:]) != given_shape:
        return values.permute(0, 2, 3, 1)
    return values


def is_channels_last(shape: torch.Size | tuple[int, ...]) -> bool:
    """Whether a shape of three axes is (H, W, C) rather than (C, H, W)."""
    first, _, last = shape
    return last in CHANNEL_COUNTS and first not in CHANNEL_COUNTS


def is_whole(values: Tensor) -> bool:
    """Whether all values are whole numbers."""
    return not values.is_floating_point() or bool(torch.equal(values, values.round()))


def _lay_out_sequence(values: Tensor) -> Tensor:
    if values.ndim < 3:
        raise DataError(
            f"as_ is sequence, but the samples have shape {tuple(values.shape[1:])}",
            hint="give (N, T, F) or (N, C, T); a series of single numbers is (N, T, 1): X[:, :, None]",
        )
    return values.to(torch.float32).contiguous()


def _lay_out_tokens(values: Tensor) -> Tensor:
    if values.ndim == 0 or not is_whole(values):
        raise DataError("as_ is tokens, but X holds numbers with fractions", hint="give whole numbers: ids from 0 on")
    if values.numel() and float(values.min()) < 0:
        raise DataError(
            f"token ids start at 0, but X holds {float(values.min()):g}", hint="give padding an id of its own"
        )
    return (values.unsqueeze(1) if values.ndim == 1 else values).to(torch.int64).contiguous()


def _holds_pixels(values: Tensor) -> bool:
    if values.is_floating_point() or values.dtype is torch.bool or not values.numel():
        return False
    return bool(values.min() >= 0) and bool(values.max() <= 255)


def _has_pixel_sides(values: Tensor) -> bool:
    """Whether the sides are long enough for images; a single axis of a sample other than its channels is not checked."""
    shape = tuple(values.shape[1:])
    sides = shape if len(shape) == 2 else (shape[:2] if len(shape) == 3 and is_channels_last(shape) else shape[1:])
    return min(sides, default=0) >= MIN_PIXEL_SIDE
