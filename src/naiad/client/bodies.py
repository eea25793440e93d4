"""Inputs of a model as bodies of requests: what ``Model.predict`` takes, in the content type that fits it.

What is larger than a request may be goes in several.
"""

import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from naiad.errors import DataError

Body = tuple[bytes, str]
"""And its content type."""
MOST_BYTES = 20 * 2**20
"""Of a body, where it can be cut; AWS takes 25 MB."""
_TYPES = {
    ".csv": "text/csv",
    ".npy": "application/x-npy",
    ".json": "application/json",
    ".jsonl": "application/jsonlines",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
}
_TABLES = (".parquet", ".pq", ".tsv")


def bodies_of(inputs: Any) -> list[Body]:
    """In the order of the samples. Raises DataError for what cannot be sent."""
    if isinstance(inputs, str | Path):
        return [file_body(Path(inputs))]
    if _is_picture(inputs):
        return [_picture(inputs)]
    if isinstance(inputs, Sequence) and any(isinstance(one, str | Path) or _is_picture(one) for one in inputs):
        return [body for one in inputs for body in bodies_of(one)]
    rows = _rows(inputs)
    return _parts(_array(inputs), _npy) if rows is None else _parts(rows, _json)


def file_body(path: Path) -> Body:
    """Its bytes as they are; an ending that says nothing is taken for an image's. Raises DataError."""
    ending = path.suffix.lower()
    if ending in _TABLES:
        raise DataError(f"{path} cannot be sent as it is", hint="give CSV, or its rows: pandas.read_parquet(…)")
    try:
        content = path.expanduser().read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}", hint="give a file that exists") from error
    return content, _TYPES.get(ending, "application/x-image")


def _parts(values: Any, encode: Callable[[Any], Body]) -> list[Body]:
    """Halved until each fits; one sample is not cut."""
    body = encode(values)
    if len(body[0]) <= MOST_BYTES or len(values) < 2:
        return [body]
    middle = len(values) // 2
    return _parts(values[:middle], encode) + _parts(values[middle:], encode)


def _is_picture(value: Any) -> bool:
    """A Pillow image."""
    return hasattr(value, "save") and hasattr(value, "mode")


def _rows(inputs: Any) -> list[Any] | None:
    """Of a table: rows as mappings, a mapping of columns or of one row, a data frame. None for what is none."""
    if isinstance(inputs, Mapping):
        return _of_columns(inputs) if any(map(_is_column, inputs.values())) else [inputs]
    if isinstance(inputs, Sequence) and inputs and all(isinstance(one, Mapping) for one in inputs):
        return list(inputs)
    if hasattr(inputs, "to_pylist"):
        return list(inputs.to_pylist())
    return list(inputs.to_dict(orient="records")) if hasattr(inputs, "to_dict") and hasattr(inputs, "columns") else None


def _is_column(value: Any) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, str | bytes)


def _of_columns(columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    if not all(map(_is_column, columns.values())) or len({len(column) for column in columns.values()}) != 1:
        raise DataError("the columns are not equally long", hint="give each a cell for every row")
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _json(rows: Sequence[Mapping[str, Any]]) -> Body:
    plain = [{str(name): _cell(value) for name, value in row.items()} for row in rows]
    try:
        return json.dumps({"instances": plain}, allow_nan=False).encode(), "application/json"
    except (TypeError, ValueError) as error:
        raise DataError(f"the rows cannot be sent as JSON: {error}", hint="give numbers and texts") from error


def _cell(value: Any) -> Any:
    """What is missing (None, NaN, NaT) or infinite as null, times as texts, NumPy's numbers as Python's."""
    if isinstance(value, np.generic) and not isinstance(value, np.datetime64 | np.timedelta64):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | bool | int):
        return value
    if hasattr(value, "isoformat") or isinstance(value, np.datetime64):
        return None if value != value else str(value)  # noqa: PLR0124  # reason: only a missing time differs from itself
    return value


def _picture(image: Any) -> Body:
    file = io.BytesIO()
    image.save(file, format="PNG")
    return file.getvalue(), "image/png"


def _array(values: Any) -> Any:
    """(N, …) or one sample."""
    try:
        array = np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)
    except (TypeError, ValueError) as error:
        raise DataError(f"the input is no array: {error}", hint="give samples of one shape") from error
    if array.dtype.kind not in "buif":
        raise DataError(
            f"an array of {array.dtype} cannot be sent", hint="give numbers, image files, or rows as mappings"
        )
    return np.atleast_1d(array)


def _npy(array: Any) -> Body:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue(), "application/x-npy"
