"""Arrays from bytes, by the format's name. Nothing is unpickled, and nothing is allocated on a header's word alone.

Shape legend: N samples.
"""

import csv
import io
from tokenize import TokenError
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from naiad.service.endpoints.worker.inference import Unfit

_WRAPPERS = ("instances", "inputs", "data")
_LONGEST_HEADER = 10_000
_MOST_DIMENSIONS = 16
_NUMERIC = "buif"
_NO_HEADER = (ValueError, KeyError, TypeError, EOFError, SyntaxError, TokenError, RecursionError, MemoryError)
"""What NumPy raises at a header that is none: it reads it as Python's own literals."""


def json_value(body: bytes) -> Any:
    """What is inside of {"instances": …}, {"inputs": …} or {"data": …}, or the whole. Raises Unfit."""
    try:
        value = orjson.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unfit(400, f"the body of {len(body):,} bytes is no JSON: {error}") from None
    if isinstance(value, dict):
        for name in _WRAPPERS:
            if name in value:
                return value[name]
    return value


def array_of(value: Any) -> npt.NDArray[Any]:
    """Of nested lists of numbers; null is NaN. Raises Unfit."""
    if not isinstance(value, list | int | float):
        raise Unfit(400, f"the input is {_word(value)}; give numbers in lists")
    try:
        values = np.array(value)
        if values.dtype.kind == "O":
            values = np.array(value, dtype=np.float64)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise Unfit(400, f"the input is no array of numbers: {str(error)[:200]}") from None
    return values


def json_lines(body: bytes) -> list[Any]:
    """A value a line; empty lines are passed over. Raises Unfit."""
    values = [json_value(line) for line in body.splitlines() if line.strip()]
    if not values:
        raise Unfit(400, "the body has no lines; give one JSON value a line")
    return values


def csv_rows(body: bytes) -> list[list[str]]:
    """Raises Unfit."""
    try:
        text = body.decode("utf-8-sig")
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise Unfit(400, f"the body is no CSV: {error}") from None
    if not rows:
        raise Unfit(400, "the body has no rows; give one sample a line")
    return rows


def csv_array(body: bytes) -> npt.NDArray[np.float64]:
    """(N, numbers of a row). Raises Unfit."""
    rows = csv_rows(body)
    widths = {len(row) for row in rows}
    if len(widths) > 1:
        raise Unfit(400, f"the rows have {min(widths)} to {max(widths)} cells; give each as many")
    try:
        return np.array([[float(cell) if cell.strip() else np.nan for cell in row] for row in rows], dtype=np.float64)
    except ValueError as error:
        raise Unfit(400, f"a cell is no number: {str(error)[:100]}; give rows of numbers without a header") from None


def npy_array(body: bytes) -> npt.NDArray[Any]:
    """Raises Unfit."""
    file = io.BytesIO(body)
    try:
        version = np.lib.format.read_magic(file)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, is_fortran, dtype = read(file, max_header_size=_LONGEST_HEADER)
    except _NO_HEADER as error:
        raise Unfit(400, f"the body is no NumPy array of format 1 or 2: {str(error)[:200]}") from None
    if dtype.kind not in _NUMERIC or dtype.hasobject or len(shape) > _MOST_DIMENSIONS:
        raise Unfit(400, f"the array holds {dtype} in {len(shape)} dimensions; give numbers")
    count, rest = 1, len(body) - file.tell()
    for size in shape:
        count *= size
    if count < 0 or count * dtype.itemsize != rest:
        raise Unfit(400, f"the array's shape {shape} of {dtype} does not go with the {rest:,} bytes that follow")
    values = np.frombuffer(body, dtype=dtype, count=count, offset=file.tell())
    native = values.astype(dtype.newbyteorder("="), copy=False)
    return native.reshape(shape, order="F" if is_fortran else "C")


def raw_array(body: bytes, dtype: np.dtype[Any], sample_shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """(N, *sample_shape): the bytes of the samples, one behind the other, little-endian. Raises Unfit."""
    each = int(np.prod(sample_shape)) * dtype.itemsize
    if not body or len(body) % each:
        raise Unfit(400, f"the body has {len(body):,} bytes; a sample has {each:,}")
    return np.frombuffer(body, dtype=dtype.newbyteorder("<")).reshape(-1, *sample_shape)


def _word(value: Any) -> str:
    return {dict: "an object", str: "a text", bool: "a truth value", type(None): "null"}.get(type(value), "no list")
