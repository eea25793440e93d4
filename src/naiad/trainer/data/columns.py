"""Columns of a table: what each holds, and how any version of it is brought into that form.

A number column becomes float64, a category column text, a date column timestamps; what cannot be read becomes null.
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
    """How text is read as a date (strptime); None where the column came as dates."""
    categories: tuple[str, ...] = ()
    """In the order of their codes."""


TYPES = {ColumnKind.NUMBER: pa.float64(), ColumnKind.CATEGORY: pa.string(), ColumnKind.DATE: pa.timestamp("us")}
MOSTLY = 0.8
"""A text column is one of numbers or dates when this share of its cells can be read so; the others become missing."""
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_CODE = r"^[+-]?0\d+$"
"""``007`` is a name, not seven."""
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


def found_column(name: str, values: pa.ChunkedArray) -> Column | None:
    """What the column holds; None for what is neither number, text nor date (lists, structures, bytes)."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return found_column(name, values.cast(kind.value_type))
    if _is_numeric(kind):
        return Column(name, ColumnKind.NUMBER)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return Column(name, ColumnKind.DATE)
    if _is_text(kind):
        return _found_in_text(name, _trimmed(values))
    return None


def converted(values: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    """(N,) in the column's type; what cannot be read so is null, infinities too."""
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    try:
        match column.kind:
            case ColumnKind.NUMBER:
                return _numbers(values)
            case ColumnKind.CATEGORY:
                return _categories(values)
            case ColumnKind.DATE:
                return _dates(values, column.date_format)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(
            f"column {column.name!r} holds {values.type}, but the model was trained on it as a {column.kind}"
        ) from error


def unreadable(before: pa.ChunkedArray, after: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Rows whose cell holds something in ``before`` but nothing in ``after``, which was made of it by ``converted``."""
    lost = pc.and_(_filled(before), pc.is_null(after))
    return np.flatnonzero(np.asarray(lost.to_numpy()))


def number_share(values: pa.ChunkedArray) -> float:
    """Part of a text column's cells that can be read as numbers; 0 where one of them is a code such as 007."""
    known = _trimmed(values).drop_null()
    if not len(known) or pc.any(pc.match_substring_regex(known, _CODE)).as_py():
        return 0.0
    return float(pc.mean(pc.match_substring_regex(known, _NUMBER)).as_py())


def is_text(values: pa.ChunkedArray) -> bool:
    return _is_text(values.type) or (pa.types.is_dictionary(values.type) and _is_text(values.type.value_type))


def _found_in_text(name: str, trimmed: pa.ChunkedArray) -> Column:
    if number_share(trimmed) >= MOSTLY:
        return Column(name, ColumnKind.NUMBER)
    known = trimmed.drop_null()
    if len(known):
        shares = {form: _date_share(known, form) for form in _DATE_FORMATS}
        best = max(shares, key=lambda form: shares[form])
        if shares[best] >= MOSTLY:
            return Column(name, ColumnKind.DATE, date_format=best)
    return Column(name, ColumnKind.CATEGORY)


def _date_share(known: pa.ChunkedArray, date_format: str) -> float:
    unread = pc.strptime(known, format=date_format, unit="us", error_is_null=True).null_count
    return 1.0 - float(unread) / len(known)


def _numbers(values: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = values.type
    if _is_text(kind):
        text = _trimmed(values)
        values = pc.if_else(pc.match_substring_regex(text, _NUMBER), text, pa.scalar(None, text.type))
    elif pa.types.is_time(kind) or pa.types.is_duration(kind):
        values = values.cast(pa.int32() if pa.types.is_time32(kind) else pa.int64())
    elif pa.types.is_boolean(kind):
        values = values.cast(pa.int8())
    numbers = values.cast(pa.float64(), safe=False)
    return pc.if_else(pc.is_finite(numbers), numbers, pa.scalar(None, pa.float64()))


def _categories(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Whole numbers are written alike, whether they come as 1 or as 1.0: a gap turns a column of integers into floats."""
    if pa.types.is_floating(values.type):
        whole = pc.equal(pc.floor(values), values)
        if pc.all(whole).as_py():
            values = values.cast(pa.int64(), safe=False)
    return _trimmed(values.cast(pa.string()))


def _dates(values: pa.ChunkedArray, date_format: str | None) -> pa.ChunkedArray:
    if _is_text(values.type):
        text = _trimmed(values)
        formats = [date_format] if date_format else list(_DATE_FORMATS)
        return pc.coalesce(*(pc.strptime(text, format=form, unit="us", error_is_null=True) for form in formats))
    if pa.types.is_timestamp(values.type) and values.type.tz:
        values = values.cast(pa.timestamp("us", "UTC"), safe=False)
    return values.cast(pa.timestamp("us"), safe=False)


def _trimmed(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text without spaces at its ends; null where nothing is left."""
    text = pc.utf8_trim_whitespace(values)
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, text.type), text)


def _filled(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """(N,) where there is a value: not null, not NaN, not blank."""
    if pa.types.is_floating(values.type):
        return pc.is_valid(pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values))
    return pc.is_valid(_trimmed(values.cast(pa.string())) if is_text(values) else values)


def _is_numeric(kind: Any) -> bool:
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal)
    return any(test(kind) for test in (*tests, pa.types.is_time, pa.types.is_duration))


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
