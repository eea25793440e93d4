"""Columns of a table: the kind of each is inferred, and its cells are converted to that kind.

A number column becomes float64, a category column text, a date column timestamps. An unreadable cell becomes null.
Shape legend: N rows.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from naiad.errors import DataError


class ColumnKind(StrEnum):
    NUMBER = "number"
    CATEGORY = "category"
    DATE = "date"


@dataclass(frozen=True)
class Column:
    """One input column of a table."""

    name: str
    kind: ColumnKind
    date_format: str | None = None
    """strptime format of a date column that comes as text; None where it comes as dates."""
    categories: tuple[str, ...] = ()
    """Categories in the order of their codes."""


ARROW_TYPES = {ColumnKind.NUMBER: pa.float64(), ColumnKind.CATEGORY: pa.string(), ColumnKind.DATE: pa.timestamp("us")}
MIN_READABLE_FRACTION = 0.8
"""A text column holds numbers or dates if this fraction of its cells can be read so; the other cells become missing."""
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_CODE = r"^[+-]?0\d+$"
"""``007`` is a code, not the number seven."""
_DATE_FORMATS = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y/%m/%d",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%d %b %Y",
    "%b %d, %Y",
)


def infer_column(name: str, values: pa.ChunkedArray) -> Column | None:
    """Returns None for what is neither number, text nor date (lists, structures, bytes)."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return infer_column(name, values.cast(kind.value_type))
    if _is_numeric_type(kind):
        return Column(name, ColumnKind.NUMBER)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return Column(name, ColumnKind.DATE)
    if _is_text_type(kind):
        return _infer_from_text(name, _trim(values))
    return None


def convert(values: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    """Returns (N,) in the column's Arrow type; unreadable cells and infinities are null. Raises DataError."""
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    try:
        match column.kind:
            case ColumnKind.NUMBER:
                return _to_numbers(values)
            case ColumnKind.CATEGORY:
                return _to_categories(values)
            case ColumnKind.DATE:
                return _to_dates(values, column.date_format)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(
            f"column {column.name!r} holds {values.type}, but the model was trained on it as a {column.kind}"
        ) from error


def unreadable_rows(before: pa.ChunkedArray, after: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Returns the rows whose cell has a value in ``before`` but is null in ``after``, which ``convert`` made of it."""
    is_unreadable = pc.and_(_has_value(before), pc.is_null(after))
    return np.flatnonzero(np.asarray(is_unreadable.to_numpy()))


def number_fraction(values: pa.ChunkedArray) -> float:
    """Returns the fraction of a text column's cells that can be read as numbers; 0 where one of them is a code such as 007."""
    known = _trim(values).drop_null()
    if not len(known) or pc.any(pc.match_substring_regex(known, _CODE)).as_py():
        return 0.0
    return float(pc.mean(pc.match_substring_regex(known, _NUMBER)).as_py())


def is_text(values: pa.ChunkedArray) -> bool:
    return _is_text_type(values.type) or (pa.types.is_dictionary(values.type) and _is_text_type(values.type.value_type))


def _infer_from_text(name: str, trimmed: pa.ChunkedArray) -> Column:
    if number_fraction(trimmed) >= MIN_READABLE_FRACTION:
        return Column(name, ColumnKind.NUMBER)
    known = trimmed.drop_null()
    if len(known):
        fractions = {date_format: _date_fraction(known, date_format) for date_format in _DATE_FORMATS}
        best = max(fractions, key=lambda date_format: fractions[date_format])
        if fractions[best] >= MIN_READABLE_FRACTION:
            return Column(name, ColumnKind.DATE, date_format=best)
    return Column(name, ColumnKind.CATEGORY)


def _date_fraction(known: pa.ChunkedArray, date_format: str) -> float:
    unreadable = pc.strptime(known, format=date_format, unit="us", error_is_null=True).null_count
    return 1.0 - float(unreadable) / len(known)


def _to_numbers(values: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = values.type
    if _is_text_type(kind):
        text = _trim(values)
        values = pc.if_else(pc.match_substring_regex(text, _NUMBER), text, pa.scalar(None, text.type))
    elif pa.types.is_time(kind) or pa.types.is_duration(kind):
        values = values.cast(pa.int32() if pa.types.is_time32(kind) else pa.int64())
    elif pa.types.is_boolean(kind):
        values = values.cast(pa.int8())
    numbers = values.cast(pa.float64(), safe=False)
    return pc.if_else(pc.is_finite(numbers), numbers, pa.scalar(None, pa.float64()))


def _to_categories(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Writes whole numbers alike, whether they come as 1 or as 1.0: a missing cell turns a column of integers into floats."""
    if pa.types.is_floating(values.type):
        is_whole = pc.equal(pc.floor(values), values)
        if pc.all(is_whole).as_py():
            values = values.cast(pa.int64(), safe=False)
    return _trim(values.cast(pa.string()))


def _to_dates(values: pa.ChunkedArray, date_format: str | None) -> pa.ChunkedArray:
    if _is_text_type(values.type):
        text = _trim(values)
        formats = [date_format] if date_format else list(_DATE_FORMATS)
        parsed = (pc.strptime(text, format=each_format, unit="us", error_is_null=True) for each_format in formats)
        return pc.coalesce(*parsed)
    if pa.types.is_timestamp(values.type) and values.type.tz:
        values = values.cast(pa.timestamp("us", "UTC"), safe=False)
    return values.cast(pa.timestamp("us"), safe=False)


def _trim(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Removes spaces at both ends; a blank cell becomes null."""
    text = pc.utf8_trim_whitespace(values)
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, text.type), text)


def _has_value(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Returns (N,): true where a cell is not null, not NaN and not blank."""
    if pa.types.is_floating(values.type):
        return pc.is_valid(pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values))
    return pc.is_valid(_trim(values.cast(pa.string())) if is_text(values) else values)


def _is_numeric_type(kind: Any) -> bool:
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal)
    return any(test(kind) for test in (*tests, pa.types.is_time, pa.types.is_duration))


def _is_text_type(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
