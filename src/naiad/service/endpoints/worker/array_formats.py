"""Arrays from bytes, one function a format. Never unpickles, and never allocates memory on the word of a header alone.

Shape legend: N samples.
"""

import csv
import io
import json
import math
from tokenize import TokenError
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from naiad.service.endpoints.worker.inference import InferenceError

_WRAPPERS = ("instances", "inputs", "data")
_CONSTANTS = {b"NaN": None, b"Infinity": math.inf, b"-Infinity": -math.inf}
_MAX_HEADER_BYTES = 10_000
_MAX_DIMENSIONS = 16
_NUMERIC_KINDS = "buif"
_HEADER_ERRORS = (ValueError, KeyError, TypeError, EOFError, SyntaxError, TokenError, RecursionError, MemoryError)
"""Errors that NumPy raises at a malformed header, which it reads as a Python literal."""


def parse_json(body: bytes) -> Any:
    """Returns the value inside of {"instances": …}, {"inputs": …} or {"data": …}, else the whole. Raises InferenceError.

    The numbers NaN and Infinity, which Python's json.dumps writes, are read too: NaN as null, which means the same.
    """
    try:
        value = _load_json(body)
    except (ValueError, RecursionError) as error:
        raise InferenceError(400, f"the body of {len(body):,} bytes is not JSON: {error}") from None
    if isinstance(value, dict):
        for name in _WRAPPERS:
            if name in value:
                return value[name]
    return value


def _load_json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except ValueError:
        if not any(name in body for name in _CONSTANTS):
            raise
    return json.loads(body, parse_constant=lambda name: _CONSTANTS[name.encode()])


def array_from_json(value: Any) -> npt.NDArray[Any]:
    """Returns an array of nested lists of numbers; null is NaN. Raises InferenceError."""
    if not isinstance(value, list | int | float):
        raise InferenceError(400, f"the input is {_kind_name(value)}; give numbers in lists")
    try:
        values = np.array(value)
        if values.dtype.kind == "O":
            values = np.array(value, dtype=np.float64)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise InferenceError(400, f"the input is not an array of numbers: {str(error)[:200]}") from None
    return values


def parse_json_lines(body: bytes) -> list[Any]:
    """Returns one value a line; empty lines are skipped. Raises InferenceError."""
    values = [parse_json(line) for line in body.splitlines() if line.strip()]
    if not values:
        raise InferenceError(400, "the body has no lines; give one JSON value a line")
    return values


def parse_csv(body: bytes) -> list[list[str]]:
    """Returns the cells of each row; empty rows are skipped. Raises InferenceError."""
    try:
        text = body.decode("utf-8-sig")
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InferenceError(400, f"the body is not CSV: {error}") from None
    if not rows:
        raise InferenceError(400, "the body has no rows; give one sample a line")
    return rows


def parse_csv_array(body: bytes) -> npt.NDArray[np.float64]:
    """Returns (N, cells of a row); an empty cell is NaN. Raises InferenceError."""
    rows = parse_csv(body)
    widths = {len(row) for row in rows}
    if len(widths) > 1:
        message = f"the rows have {min(widths)} to {max(widths)} cells; give the same number in each"
        raise InferenceError(400, message)
    try:
        return np.array([[float(cell) if cell.strip() else np.nan for cell in row] for row in rows], dtype=np.float64)
    except ValueError as error:
        message = f"a cell is not a number: {str(error)[:100]}; give rows of numbers without a header"
        raise InferenceError(400, message) from None


def parse_npy(body: bytes) -> npt.NDArray[Any]:
    """Raises InferenceError."""
    file = io.BytesIO(body)
    try:
        version = np.lib.format.read_magic(file)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, is_fortran, dtype = read_header(file, max_header_size=_MAX_HEADER_BYTES)
    except _HEADER_ERRORS as error:
        raise InferenceError(400, f"the body is not a NumPy array of format 1 or 2: {str(error)[:200]}") from None
    if dtype.kind not in _NUMERIC_KINDS or dtype.hasobject or len(shape) > _MAX_DIMENSIONS:
        raise InferenceError(400, f"the array holds {dtype} in {len(shape)} dimensions; give numbers")
    count, rest = 1, len(body) - file.tell()
    for size in shape:
        count *= size
    if count < 0 or count * dtype.itemsize != rest:
        message = f"the array's shape {shape} of {dtype} does not match the {rest:,} bytes that follow"
        raise InferenceError(400, message)
    values = np.frombuffer(body, dtype=dtype, count=count, offset=file.tell())
    native = values.astype(dtype.newbyteorder("="), copy=False)
    return native.reshape(shape, order="F" if is_fortran else "C")


def parse_raw(body: bytes, dtype: np.dtype[Any], sample_shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Returns (N, *sample_shape). body: the samples' bytes one after the other, little-endian. Raises InferenceError."""
    sample_bytes = int(np.prod(sample_shape)) * dtype.itemsize
    if not body or len(body) % sample_bytes:
        raise InferenceError(400, f"the body has {len(body):,} bytes; a sample has {sample_bytes:,}")
    return np.frombuffer(body, dtype=dtype.newbyteorder("<")).reshape(-1, *sample_shape)


def _kind_name(value: Any) -> str:
    names = {dict: "an object", str: "a text", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "not a list")
