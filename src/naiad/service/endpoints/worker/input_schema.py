"""What an artifact's program takes, and whether an array is that. As the trainer's schemas, but strict and without torch.

Shape legend: N samples, C channels, H height, W width, F slots of a table.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from naiad.errors import ArtifactError
from naiad.service.endpoints.worker.inference import Unfit
from naiad.trainer.data.columns import Column, ColumnKind
from naiad.trainer.data.table_encoding import encoded_width

Numbers = npt.NDArray[Any]
_NUMERIC = "buif"
_MOST_NAMES = 20


class Schema(Protocol):
    @property
    def kind(self) -> str: ...

    @property
    def sample_shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def fit(self, values: Numbers) -> Numbers:
        """(N, *sample_shape) in ``dtype``. Raises Unfit, with what was given and what is wanted."""


@dataclass(frozen=True)
class ImageSchema:
    channels: int
    height: int
    width: int
    kind: str = "image"

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return (self.channels, self.height, self.width)

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.uint8)

    def fit(self, values: Numbers) -> Numbers:
        """Also of (H, W), (N, H, W), (H, W, C) and (N, H, W, C), and flat; whole numbers of 0…255, or floats of 0…1 or 0…255."""
        return self._laid_out(_pixels(values))

    def _laid_out(self, pixels: Numbers) -> Numbers:
        shape, last = pixels.shape, (self.height, self.width, self.channels)
        if shape[-3:] == last and last != self.sample_shape and len(shape) in (3, 4):
            pixels = np.ascontiguousarray(np.moveaxis(pixels, -1, -3))
            return pixels.reshape(-1, *self.sample_shape)
        if self.channels == 1 and shape[-2:] == (self.height, self.width) and len(shape) in (2, 3):
            return pixels.reshape(-1, *self.sample_shape)
        return _batched(pixels, self.sample_shape)


@dataclass(frozen=True)
class ArraySchema:
    shape: tuple[int, ...]
    kind: str = "array"

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return self.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float32)

    def fit(self, values: Numbers) -> Numbers:
        """Infinities become NaN, which the program takes for missing."""
        return _batched(_floats(values), self.shape)


@dataclass(frozen=True)
class TableSchema:
    columns: tuple[Column, ...]
    kind: str = "table"

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return (sum(map(encoded_width, self.columns)),)

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float32)

    def fit(self, values: Numbers) -> Numbers:
        """Only of numbers, and only where every column is one: what else a table has must come as rows."""
        others = [column for column in self.columns if column.kind is not ColumnKind.NUMBER]
        if others:
            raise Unfit(
                400,
                f"an array was given; the column {others[0].name!r} is a {others[0].kind}: give rows, as objects or CSV",
            )
        return _batched(_floats(values), self.sample_shape)


def read_schema(values: Mapping[str, Any]) -> Schema:
    """Of naiad.json's ``input``. Raises ArtifactError."""
    try:
        match values["kind"]:
            case "image":
                return ImageSchema(int(values["channels"]), int(values["height"]), int(values["width"]))
            case "array":
                return ArraySchema(tuple(int(size) for size in values["shape"]))
            case "table":
                return TableSchema(tuple(_column(one) for one in values["columns"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(f"the input schema is incomplete: {error!r}") from error
    raise ArtifactError(f"the input schema is of kind {values['kind']!r}, which this version does not know")


def wanted_by(schema: Schema) -> str:
    """The shape of an array, or the columns of a table."""
    if isinstance(schema, TableSchema):
        names = [column.name for column in schema.columns]
        return ", ".join(names[:_MOST_NAMES]) + (", …" if len(names) > _MOST_NAMES else "")
    return _shape_text(schema.sample_shape)


def _column(values: Mapping[str, Any]) -> Column:
    return Column(values["name"], ColumnKind(values["kind"]), values["date_format"], tuple(values["categories"]))


def _batched(values: Numbers, sample_shape: tuple[int, ...]) -> Numbers:
    """(N, *sample_shape) from that, from one sample, and from flat ones."""
    shape, size = values.shape, math.prod(sample_shape)
    if shape[1:] == sample_shape and len(shape) > len(sample_shape):
        return values
    if shape in (sample_shape, (size,)) or (len(shape) == 2 and shape[1] == size):
        return values.reshape(-1, *sample_shape)
    wanted = _shape_text(sample_shape)
    raise Unfit(
        400, f"the input has the shape {shape}; this model takes {wanted}, one sample, or samples as {size} numbers"
    )


def _shape_text(sample_shape: tuple[int, ...]) -> str:
    return f"(N, {', '.join(map(str, sample_shape))})"


def _pixels(values: Numbers) -> Numbers:
    if values.dtype == np.uint8:
        return values
    _check_numeric(values, "pixels: whole numbers of 0 to 255, or floats of 0 to 1")
    if values.dtype.kind == "b":
        return values.astype(np.uint8) * 255
    if not values.size:
        return values.astype(np.uint8)
    low, high = values.min(), values.max()
    if not (low >= 0 and high <= 255):  # so that NaN is refused too
        raise Unfit(
            400, f"the input has values from {low:g} to {high:g}; this model takes pixels of 0 to 255, or of 0 to 1"
        )
    if values.dtype.kind == "f":
        values = values.astype(np.float32, copy=False)
        values = np.round(values * 255 if high <= 1 else values)
    return values.astype(np.uint8)


def _floats(values: Numbers) -> Numbers:
    _check_numeric(values, "numbers")
    with np.errstate(over="ignore"):
        floats = values.astype(np.float32, copy=False)
    return np.where(np.isfinite(floats), floats, np.float32(np.nan))


def _check_numeric(values: Numbers, wanted: str) -> None:
    if values.dtype.kind not in _NUMERIC:
        raise Unfit(400, f"the input holds {values.dtype}; this model takes {wanted}")
