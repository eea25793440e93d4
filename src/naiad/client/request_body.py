"""Bodies of requests to an endpoint, made from what ``Model.predict`` takes, each in the content type that fits it.

Inputs that are larger than a request may be are sent in several requests.
"""

import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from naiad.errors import DataError

MAX_BYTES = 20 * 2**20
"""Largest size of a body that can be split; AWS takes 25 MB."""
_TYPES_BY_SUFFIX = {
    ".csv": "text/csv",
    ".npy": "application/x-npy",
    ".json": "application/json",
    ".jsonl": "application/jsonlines",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
}
_ANY_IMAGE = "application/x-image"
_OTHER_TABLE_SUFFIXES = (".parquet", ".pq", ".tsv")


class Body(NamedTuple):
    content: bytes
    content_type: str


def make_bodies(inputs: Any) -> list[Body]:
    """Returns the bodies in the order of the samples. Raises DataError for inputs that cannot be sent."""
    if isinstance(inputs, str | Path):
        return [read_body(Path(inputs))]
    if _is_pillow_image(inputs):
        return [_encode_image(inputs)]
    if isinstance(inputs, Sequence) and any(isinstance(one, str | Path) or _is_pillow_image(one) for one in inputs):
        return [body for one in inputs for body in make_bodies(one)]
    rows = _table_rows(inputs)
    return (
        _encode_within_limit(_to_array(inputs), _encode_npy)
        if rows is None
        else _encode_within_limit(rows, _encode_rows)
    )


def read_body(path: Path) -> Body:
    """Returns the file's bytes as they are; an unknown ending is taken for an image's. Raises DataError."""
    suffix = path.suffix.lower()
    if suffix in _OTHER_TABLE_SUFFIXES:
        raise DataError(f"{path} cannot be sent as it is", hint="give CSV, or its rows: pandas.read_parquet(…)")
    try:
        content = path.expanduser().read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}", hint="give a file that exists") from error
    return Body(content, _TYPES_BY_SUFFIX.get(suffix, _ANY_IMAGE))


def _encode_within_limit(samples: Any, encode: Callable[[Any], Body]) -> list[Body]:
    """Splits the samples in halves until each body is small enough; one sample is not split."""
    body = encode(samples)
    if len(body.content) <= MAX_BYTES or len(samples) < 2:
        return [body]
    middle = len(samples) // 2
    return _encode_within_limit(samples[:middle], encode) + _encode_within_limit(samples[middle:], encode)


def _is_pillow_image(value: Any) -> bool:
    return hasattr(value, "save") and hasattr(value, "mode")


def _table_rows(inputs: Any) -> list[Any] | None:
    """Returns the rows of a table, None for inputs that are no table.

    A table is a sequence of mappings, a mapping of columns or of one row, or a data frame.
    """
    if isinstance(inputs, Mapping):
        return _rows_of_columns(inputs) if any(map(_is_column, inputs.values())) else [inputs]
    if isinstance(inputs, Sequence) and inputs and all(isinstance(one, Mapping) for one in inputs):
        return list(inputs)
    if hasattr(inputs, "to_pylist"):
        return list(inputs.to_pylist())
    return list(inputs.to_dict(orient="records")) if hasattr(inputs, "to_dict") and hasattr(inputs, "columns") else None


def _is_column(value: Any) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, str | bytes)


def _rows_of_columns(columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    if not all(map(_is_column, columns.values())) or len({len(column) for column in columns.values()}) != 1:
        raise DataError("the columns are not equally long", hint="give each a cell for every row")
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _encode_rows(rows: Sequence[Mapping[str, Any]]) -> Body:
    plain = [{str(name): _json_value(value) for name, value in row.items()} for row in rows]
    try:
        return Body(json.dumps({"instances": plain}, allow_nan=False).encode(), "application/json")
    except (TypeError, ValueError) as error:
        raise DataError(f"the rows cannot be sent as JSON: {error}", hint="give numbers and texts") from error


def _json_value(value: Any) -> Any:
    """Returns null for a missing (None, NaN, NaT) or infinite value, text for a time, Python's number for NumPy's."""
    if isinstance(value, np.generic) and not isinstance(value, np.datetime64 | np.timedelta64):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | bool | int):
        return value
    if hasattr(value, "isoformat") or isinstance(value, np.datetime64):
        return None if value != value else str(value)  # noqa: PLR0124  # reason: only a missing time differs from itself
    return value


def _encode_image(image: Any) -> Body:
    file = io.BytesIO()
    image.save(file, format="PNG")
    return Body(file.getvalue(), "image/png")


def _to_array(values: Any) -> Any:
    """Returns the array (N, …) or one sample."""
    try:
        array = np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)
    except (TypeError, ValueError) as error:
        raise DataError(f"the input is no array: {error}", hint="give samples of one shape") from error
    if array.dtype.kind not in "buif":
        raise DataError(
            f"an array of {array.dtype} cannot be sent", hint="give numbers, image files, or rows as mappings"
        )
    return np.atleast_1d(array)


def _encode_npy(array: Any) -> Body:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return Body(file.getvalue(), "application/x-npy")
