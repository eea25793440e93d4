"""Input that an artifact's program takes, and arrays made to fit it: as the trainer's schemas, but strict and without torch.

Shape legend: N samples, C channels, H height, W width, F features of a table.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from naiad.errors import ArtifactError
from naiad.service.endpoints.worker.inference import InferenceError
from naiad.trainer.data.columns import Column, ColumnKind
from naiad.trainer.data.missing_words import MISSING_WORDS
from naiad.trainer.data.pixels import Depth, ImageShape
from naiad.trainer.data.scale import MIN_RATIO, ValueRange, describe_deep_difference, describe_scale_difference
from naiad.trainer.data.table_encoding import encoded_width

Array = npt.NDArray[Any]
_NUMERIC_KINDS = "buif"
_MAX_NAMES = 20


class InputSchema(Protocol):
    @property
    def kind(self) -> str: ...

    @property
    def sample_shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def coerce(self, values: Array) -> Array:
        """Returns (N, *sample_shape) in ``dtype``. Raises InferenceError with what was given and what is expected."""


@dataclass(frozen=True)
class ImageInput:
    channels: int
    height: int
    width: int
    background: int | None = None
    top: int | None = None
    """Largest training pixel, where the pixels are not of 0…255, as those of binary images."""
    kind: str = "image"

    @property
    def image_shape(self) -> ImageShape:
        return ImageShape(*self.sample_shape, background=self.background)

    @property
    def sample_shape(self) -> tuple[int, int, int]:
        return (self.channels, self.height, self.width)

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.uint8)

    def coerce(self, values: Array) -> Array:
        """Also takes (H, W), (N, H, W), (H, W, C), (N, H, W, C) and flat samples, of integers 0…255 or floats 0…1 or 0…255."""
        pixels = _to_pixels(values, self.top)
        self.check_scale(pixels)
        return self._to_channels_first(pixels)

    def check_scale(self, pixels: Array) -> None:
        """Raises InferenceError for uint8 pixels that are plainly on another scale than the training data."""
        if self.top is not None and pixels.size and pixels.max() >= MIN_RATIO * max(self.top, 1):
            raise InferenceError(400, f"the input has pixels up to {pixels.max()}; this model takes 0 to {self.top}")

    def _to_channels_first(self, pixels: Array) -> Array:
        shape, channels_last = pixels.shape, (self.height, self.width, self.channels)
        if shape[-3:] == channels_last and channels_last != self.sample_shape and len(shape) in (3, 4):
            pixels = np.ascontiguousarray(np.moveaxis(pixels, -1, -3))
            return pixels.reshape(-1, *self.sample_shape)
        if self.channels == 1 and shape[-2:] == (self.height, self.width) and len(shape) in (2, 3):
            return pixels.reshape(-1, *self.sample_shape)
        return _to_batch(pixels, self.sample_shape)


@dataclass(frozen=True)
class DeepImageInput:
    """Grey images of more than 8 bits, with the values that are stored."""

    height: int
    width: int
    depth: Depth
    offset: float = 0.0
    value_range: ValueRange | None = None
    """Range of the training split after the offset was subtracted; None in earlier artifacts."""
    kind: str = "deep_image"

    @property
    def image_shape(self) -> ImageShape:
        return ImageShape(1, self.height, self.width, depth=self.depth, offset=self.offset)

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return (1, self.height, self.width)

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float32)

    def coerce(self, values: Array) -> Array:
        """Also takes (H, W), (N, H, W), (N, H, W, 1) and flat samples."""
        _check_numeric(values, "the values that the image files store")
        if values.dtype == np.uint8:
            raise InferenceError(400, "the input has pixels of 8 bits; this model takes more bits, as files store them")
        numbers = _to_floats(values.astype(np.float64) - self.offset)
        is_planes = self._is_planes(numbers.shape)
        batch = numbers.reshape(-1, *self.sample_shape) if is_planes else _to_batch(numbers, self.sample_shape)
        self.check_scale(batch)
        return batch

    def check_scale(self, images: Array) -> None:
        """Raises InferenceError for float32 images (N, 1, H, W) that are plainly on another scale than the training data."""
        difference = None if self.value_range is None else describe_deep_difference(images, self.value_range)
        if difference is not None:
            raise InferenceError(400, "; ".join(difference))

    def _is_planes(self, shape: tuple[int, ...]) -> bool:
        plane = (self.height, self.width)
        return shape[-2:] == plane or shape[-3:] == (*plane, 1)


@dataclass(frozen=True)
class TokenInput:
    """Token ids of one shape."""

    shape: tuple[int, ...]
    token_count: int
    kind: str = "tokens"

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return self.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.int64)

    def coerce(self, values: Array) -> Array:
        """Raises InferenceError for numbers that are no ids of the model."""
        _check_numeric(values, "token ids: whole numbers")
        with np.errstate(invalid="ignore"):
            ids = values.astype(np.int64)
        if not np.array_equal(ids, values) or (ids.size and not (ids.min() >= 0 and ids.max() < self.token_count)):
            known = f"0 to {self.token_count - 1}"
            raise InferenceError(400, f"the input has values that are no token ids; this model takes {known}")
        return _to_batch(ids, self.shape)


@dataclass(frozen=True)
class ArrayInput:
    shape: tuple[int, ...]
    value_range: ValueRange | None = None
    kind: str = "array"

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return self.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float32)

    def coerce(self, values: Array) -> Array:
        """Infinities become NaN, which the program takes for missing. Refuses raw pixels where the model learnt scaled ones."""
        _check_numeric(values, "numbers")
        batch = _to_batch(values, self.shape)
        if self.value_range is not None:
            difference = describe_scale_difference(batch, self.value_range)
            if difference is not None:
                raise InferenceError(400, "; ".join(difference))
        return _to_floats(batch)


@dataclass(frozen=True)
class TableInput:
    columns: tuple[Column, ...]
    kind: str = "table"

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return (sum(map(encoded_width, self.columns)),)

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float32)

    @cached_property
    def missing_words(self) -> dict[str, frozenset[str]]:
        """Words that stand for a missing cell, by column: those that are no categories of it."""
        return {column.name: frozenset(MISSING_WORDS).difference(column.categories) for column in self.columns}

    def coerce(self, values: Array) -> Array:
        """Takes numbers, and only where every column is numeric: columns of another kind must come as rows."""
        others = [column for column in self.columns if column.kind is not ColumnKind.NUMBER]
        if others:
            raise InferenceError(
                400,
                f"an array was given; the column {others[0].name!r} is a {others[0].kind}: give rows, as objects or CSV",
            )
        _check_numeric(values, "numbers")
        batch, offsets = _to_batch(values, self.sample_shape), [column.offset for column in self.columns]
        return _to_floats(batch - np.array(offsets) if any(offsets) else batch)


def read_input_schema(values: Mapping[str, Any]) -> InputSchema:
    """Raises ArtifactError. values: ``input`` of naiad.json."""
    try:
        match values["kind"]:
            case "image":
                size = (int(values["channels"]), int(values["height"]), int(values["width"]))
                return ImageInput(*size, background=values.get("background"), top=values.get("top"))
            case "deep_image":
                depth, offset = Depth(values["depth"]), float(values["offset"])
                value_range = ValueRange.from_json(values.get("value_range"))
                return DeepImageInput(int(values["height"]), int(values["width"]), depth, offset, value_range)
            case "tokens":
                return TokenInput(tuple(int(size) for size in values["shape"]), int(values["token_count"]))
            case "array":
                shape = tuple(int(size) for size in values["shape"])
                return ArrayInput(shape, ValueRange.from_json(values.get("value_range")))
            case "table":
                return TableInput(tuple(map(Column.from_json, values["columns"])))
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(f"the input schema is incomplete: {error!r}") from error
    raise ArtifactError(f"the input schema is of kind {values['kind']!r}, which this version does not know")


def describe_expected(schema: InputSchema) -> str:
    """Returns the shape of an array, or the names of a table's columns, for a message."""
    if isinstance(schema, TableInput):
        names = [column.name for column in schema.columns]
        return ", ".join(names[:_MAX_NAMES]) + (", …" if len(names) > _MAX_NAMES else "")
    return _format_shape(schema.sample_shape)


def _to_batch(values: Array, sample_shape: tuple[int, ...]) -> Array:
    """Returns (N, *sample_shape). values: of that shape, one sample, or flat samples."""
    shape, size = values.shape, math.prod(sample_shape)
    if shape[1:] == sample_shape and len(shape) > len(sample_shape):
        return values
    if shape in (sample_shape, (size,)) or (len(shape) == 2 and shape[1] == size):
        return values.reshape(-1, *sample_shape)
    expected = _format_shape(sample_shape)
    raise InferenceError(
        400, f"the input has the shape {shape}; this model takes {expected}, one sample, or samples as {size} numbers"
    )


def _format_shape(sample_shape: tuple[int, ...]) -> str:
    return f"(N, {', '.join(map(str, sample_shape))})"


def _to_pixels(values: Array, top: int | None) -> Array:
    if values.dtype == np.uint8:
        return values
    _check_numeric(values, "pixels: whole numbers of 0 to 255, or floats of 0 to 1")
    if values.dtype.kind == "b":
        return values.astype(np.uint8) * (255 if top is None else 1)
    if not values.size:
        return values.astype(np.uint8)
    low, high = values.min(), values.max()
    if not (low >= 0 and high <= 255):  # so that NaN is refused too
        raise InferenceError(
            400, f"the input has values from {low:g} to {high:g}; this model takes pixels of 0 to 255, or of 0 to 1"
        )
    if values.dtype.kind == "f":
        values = values.astype(np.float32, copy=False)
        is_unit = high <= 1 and (top is None or not np.array_equal(values, np.round(values)))
        values = np.round(values * 255 if is_unit else values)
    return values.astype(np.uint8)


def _to_floats(values: Array) -> Array:
    _check_numeric(values, "numbers")
    with np.errstate(over="ignore"):
        floats = values.astype(np.float32, copy=False)
    return np.where(np.isfinite(floats), floats, np.float32(np.nan))


def _check_numeric(values: Array, expected: str) -> None:
    if values.dtype.kind not in _NUMERIC_KINDS:
        raise InferenceError(400, f"the input holds {values.dtype}; this model takes {expected}")
