"""Encodes arrays of numbers as float32 (N, F) or (N, C, H, W), and standardises them inside the exported program.

Shape legend: N samples, B batch, F features, C channels, H height, W width.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from PIL import Image
from torch import Tensor, nn

from naiad.errors import DataError
from naiad.trainer.data.dataset import Samples
from naiad.trainer.data.features.sampling import statistics_indices
from naiad.trainer.data.layout import to_channels_first
from naiad.trainer.data.scale import ValueRange, describe_scale_difference
from naiad.trainer.data.sources.arrays import as_tensor
from naiad.trainer.data.sources.frame_pair import table_to_array
from naiad.trainer.data.sources.table import as_table, is_tabular

_CHUNK_VALUES = 4_000_000


@dataclass(frozen=True)
class ArraySchema:
    """Arrays of one shape."""

    shape: tuple[int, ...]
    """Shape of one sample, without N."""
    is_sequence: bool = False
    """Whether the axes stay as they are given; False brings images into the order (C, H, W)."""
    feature_axis: int = 0
    """Axis of a sample along which numbers are standardised, each feature by itself."""
    value_range: ValueRange | None = None
    """Range of the training split; None in artifacts that were written before it was recorded."""
    columns: tuple[str, ...] = ()
    """Names of the columns, where the training data were a frame: tables are matched by them."""

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return self.shape

    @property
    def dtype(self) -> torch.dtype:
        return torch.float32

    def encode(self, raw: Any) -> Tensor:
        """Returns float32 (N, *shape), infinities as NaN. Takes one sample without N too.

        Raises DataError for other shapes, and for numbers on another scale than the training data, such as raw pixels.
        """
        if self.columns and is_tabular(raw):
            raw = self._in_order(as_table(raw, keep=self.columns))
        elif _holds_images(raw):
            raise DataError(
                "an image was given, but the model was trained on arrays of numbers, whose scale an image does not say",
                hint="give arrays that are scaled as in training, or train on the image files themselves",
            )
        values = as_tensor(raw)
        if tuple(values.shape) in self._single_sample_shapes():
            values = values.unsqueeze(0)
        if values.ndim and tuple(values.shape[1:]) != self.shape:
            values = self._reshape(values)
        self.check_scale(values)
        numbers = values.to(torch.float32)
        if tuple(numbers.shape[1:]) != self.shape:
            raise DataError(
                f"samples of shape {tuple(values.shape[1:])} do not fit the trained shape {self.shape}",
                hint=f"give an array of shape (N, {', '.join(map(str, self.shape))})",
            )
        return torch.where(torch.isfinite(numbers), numbers, math.nan).contiguous()

    def check_scale(self, values: Tensor) -> None:
        """Raises DataError where values (N, …) are plainly on another scale than the training data."""
        if self.value_range is None:
            return
        difference = describe_scale_difference(values.numpy(), self.value_range)
        if difference is not None:
            raise DataError(difference[0], hint=difference[1])

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "array",
            "shape": list(self.shape),
            "is_sequence": self.is_sequence,
            "feature_axis": self.feature_axis,
            "value_range": None if self.value_range is None else self.value_range.to_json(),
            "columns": list(self.columns),
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "ArraySchema":
        """Reads earlier artifacts too, which have a shape only."""
        return cls(
            tuple(int(size) for size in values["shape"]),
            is_sequence=bool(values.get("is_sequence", False)),
            feature_axis=int(values.get("feature_axis", 0)),
            value_range=ValueRange.from_json(values.get("value_range")),
            columns=tuple(values.get("columns", ())),
        )

    def _in_order(self, table: pa.Table) -> npt.NDArray[Any]:
        """Returns the columns (N, F) by name; by position where the table only counts its columns."""
        names = table.column_names
        is_counted = names == list(map(str, range(len(self.columns))))
        return table_to_array(table, names if is_counted else self.columns)

    def _single_sample_shapes(self) -> set[tuple[int, ...]]:
        """Returns the shapes that can only be one sample: (F,), and (H, W, C) or (C, H, W) of more than one channel."""
        if len(self.shape) != 3 or self.is_sequence:
            return {self.shape} if self.shape != (1,) else set()
        channels, height, width = self.shape
        return {(channels, height, width), (height, width, channels)} if channels > 1 else set()

    def _reshape(self, values: Tensor) -> Tensor:
        """Returns the values with ``shape`` after N if they can be read so, else in the standard layout."""
        if self.is_sequence:
            return values
        if values.ndim == 4 and tuple(values.permute(0, 3, 1, 2).shape[1:]) == self.shape:
            return values.permute(0, 3, 1, 2)
        values_NCHW = to_channels_first(values)
        if tuple(values_NCHW.shape[1:]) == self.shape:
            return values_NCHW
        features = math.prod(self.shape)
        is_flat = len(self.shape) == 1 and values.ndim > 1 and math.prod(values.shape[1:]) == features
        return values_NCHW.reshape(-1, features) if is_flat else values_NCHW


class ArrayFeatures(nn.Module):
    """float32 (B, F), (B, C, …) or (B, T, F) in, the same shape out with mean 0 and deviation 1 by column, channel or feature.

    NaN becomes the mean. A column or channel that is constant in the training split is only shifted.
    """

    mean: Tensor
    inverse_std: Tensor

    def __init__(self, mean: Tensor, std: Tensor, *, dimensions: int = 1, axis: int = 0) -> None:
        """mean, std: (F,) or (C,) of the training split. dimensions: axes of a sample. axis: the one of the features."""
        super().__init__()
        shape = (-1, *[1] * (dimensions - 1 - axis))
        safe = torch.where(std > 0, std, torch.ones_like(std)).double()
        self.register_buffer("mean", mean.float().view(shape))
        self.register_buffer("inverse_std", (1 / safe).float().view(shape))

    @classmethod
    def identity(cls, shape: tuple[int, ...], *, axis: int = 0) -> "ArrayFeatures":
        """Returns features that leave numbers as they are; NaN becomes 0."""
        return cls(torch.zeros(shape[axis]), torch.ones(shape[axis]), dimensions=len(shape), axis=axis)

    def forward(self, raw: Tensor) -> Tensor:
        numbers = raw.to(torch.float32)
        standardised = (numbers - self.mean) * self.inverse_std
        return torch.where(torch.isnan(standardised), torch.zeros_like(standardised), standardised)


def _holds_images(raw: Any) -> bool:
    first = raw[0] if isinstance(raw, list | tuple) and raw else raw
    return isinstance(first, str | Path | Image.Image)


def fit_array_features(samples: Samples, *, seed: int, axis: int = 0) -> ArrayFeatures:
    """Computes the statistics in float64 and in a fixed order, over the samples of ``statistics_indices``.

    axis: the features' axis of a sample.
    """
    indices = statistics_indices(samples, seed=seed)
    rows = max(1, _CHUNK_VALUES // max(1, math.prod(samples.sample_shape)))
    columns = samples.sample_shape[axis]
    count, total = np.zeros(columns), np.zeros(columns)
    for values in _chunks(samples, indices, rows, axis):
        count += np.isfinite(values).sum(axis=(0, 2))
        total += np.where(np.isfinite(values), values, 0).sum(axis=(0, 2))
    mean = total / np.maximum(count, 1)
    squares = np.zeros(columns)
    for values in _chunks(samples, indices, rows, axis):
        squares += np.where(np.isfinite(values), values - mean[:, None], 0).__pow__(2).sum(axis=(0, 2))
    std = np.sqrt(squares / np.maximum(count, 1))
    std[std < 1e-7 * np.abs(mean)] = 0  # no more than float32's rounding
    dimensions = len(samples.sample_shape)
    return ArrayFeatures(torch.from_numpy(mean), torch.from_numpy(std), dimensions=dimensions, axis=axis)


def _chunks(samples: Samples, indices: Tensor, rows: int, axis: int) -> Iterator[npt.NDArray[np.float64]]:
    """Yields (B, F, 1), or (B, C, values of a channel or feature)."""
    for chunk in torch.split(indices, rows):
        batch = samples.take(chunk).movedim(1 + axis, 1)
        yield (batch.flatten(2) if batch.ndim > 2 else batch.unsqueeze(2)).numpy().astype(np.float64)
