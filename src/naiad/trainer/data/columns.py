"""Columns of a table: the kind of each is inferred, and its cells are converted to that kind.

A number column becomes float64, a category column text, a date column timestamps. An unreadable cell becomes null.
Shape legend: N rows.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from naiad.errors import DataError
from naiad.trainer.data.category_text import to_categories, trim
from naiad.trainer.data.date_text import DateReading, infer_date_format, parse_dates
from naiad.trainer.data.number_text import (
    PLAIN,
    NumberFormat,
    NumberReading,
    find_unit,
    has_code,
    infer_number_format,
    parse_numbers,
)


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
    number_format: NumberFormat | None = None
    """How numbers that come as text are written; None where they are plain."""
    offset: float = 0.0
    """Number that is taken from each cell of a number column, where float32 would lose their differences."""
    time_unit: str = ""
    """``s`` where times of day and durations are numbers of seconds; earlier versions took them in the unit that they had."""

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "kind": self.kind.value, "categories": list(self.categories)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Reads also what earlier versions wrote. Raises KeyError, TypeError, ValueError."""
        number_format = values.get("number_format")
        return cls(
            values["name"],
            ColumnKind(values["kind"]),
            values["date_format"],
            tuple(values["categories"]),
            None if number_format is None else NumberFormat(**number_format),
            float(values.get("offset", 0.0)),
            str(values.get("time_unit", "")),
        )


@dataclass(frozen=True)
class InferredColumn:
    """A column as it was inferred, and what else it could be."""

    column: Column | None
    """None for what is neither number, text nor date: lists, structures, bytes."""
    doubt: str = ""
    """The other meaning that the cells may have, and how to say so; empty where there is no doubt."""
    decimal: str | None = None
    """The decimal mark, where the cells leave no doubt about it."""


ARROW_TYPES = {ColumnKind.NUMBER: pa.float64(), ColumnKind.CATEGORY: pa.string(), ColumnKind.DATE: pa.timestamp("us")}
_UNITS_PER_S = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
MIN_READABLE_FRACTION = 0.8
"""A text column holds numbers or dates if this fraction of its cells can be read so; the other cells become missing."""


def infer_column(name: str, values: pa.ChunkedArray, *, decimal: str | None = None) -> InferredColumn:
    """decimal: the mark that the table's other columns have; it decides where the cells leave a doubt."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        if pa.types.is_temporal(kind.value_type):
            return infer_column(name, values.cast(kind.value_type))
        return InferredColumn(Column(name, ColumnKind.CATEGORY))
    if _is_numeric_type(kind):
        return InferredColumn(Column(name, ColumnKind.NUMBER, time_unit="s" if _is_span(kind) else ""))
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return InferredColumn(Column(name, ColumnKind.DATE))
    if is_text(values):
        return _infer_from_text(name, trim(values), decimal)
    return InferredColumn(None)


def infer_number_column(
    name: str, values: pa.ChunkedArray, *, decimal: str | None = None, requested: NumberFormat | None = None
) -> InferredColumn:
    """Returns a column of numbers, whatever its cells are, in the format that reads most of them.

    requested: the format that the user names; a unit that it does not name is inferred.
    """
    time_unit = "s" if _is_span(values.type) else ""
    if requested is not None:
        unit = requested.unit or (find_unit(*count_cells(trim(values)), requested.decimal) if is_text(values) else "")
        number_format = replace(requested, unit=unit)
        return InferredColumn(Column(name, ColumnKind.NUMBER, number_format=number_format, time_unit=time_unit))
    if not is_text(values) or pa.types.is_dictionary(values.type):
        return InferredColumn(Column(name, ColumnKind.NUMBER, time_unit=time_unit))
    known, counts = count_cells(trim(values))
    plain = pc.sum(counts.filter(pc.match_substring_regex(known, PLAIN))).as_py() or 0
    written = infer_number_format(known, counts, decimal=decimal)
    if written is None or written.fraction * (pc.sum(counts).as_py() or 0) <= plain:
        return InferredColumn(Column(name, ColumnKind.NUMBER))
    return _describe_numbers(name, known, written)


def convert(values: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    """Returns (N,) in the column's Arrow type; unreadable cells and infinities are null. Raises DataError."""
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    try:
        match column.kind:
            case ColumnKind.NUMBER:
                return _to_numbers(values, column)
            case ColumnKind.CATEGORY:
                return to_categories(column.name, values, column.categories)
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
    """Returns the fraction of a text column's cells that are plain numbers; 0 where one of them is a code such as 007."""
    known, counts = count_cells(trim(values))
    return _plain_fraction(known, counts)


def is_text(values: pa.ChunkedArray) -> bool:
    return _is_text_type(values.type) or (pa.types.is_dictionary(values.type) and _is_text_type(values.type.value_type))


def count_cells(values: pa.ChunkedArray) -> tuple[pa.Array, pa.Array]:
    """Returns the distinct cells that are not null, in the order in which they come, and how often each occurs."""
    counted = pc.value_counts(values.drop_null())
    return counted.field("values"), counted.field("counts")


def _infer_from_text(name: str, trimmed: pa.ChunkedArray, decimal: str | None) -> InferredColumn:
    known, counts = count_cells(trimmed)
    if not len(known):
        return InferredColumn(Column(name, ColumnKind.CATEGORY))
    plain_fraction = _plain_fraction(known, counts)
    if plain_fraction == 1 and decimal != ",":
        return InferredColumn(Column(name, ColumnKind.NUMBER))
    written = None if has_code(known) else infer_number_format(known, counts, decimal=decimal)
    if written is not None and written.fraction >= MIN_READABLE_FRACTION:
        is_grouped = written.format.decimal == "," and not written.is_certain
        if written.fraction > plain_fraction or (is_grouped and written.fraction == plain_fraction):
            return _describe_numbers(name, known, written)
    if plain_fraction >= MIN_READABLE_FRACTION:
        return InferredColumn(Column(name, ColumnKind.NUMBER))
    dates = infer_date_format(known, counts, min_fraction=MIN_READABLE_FRACTION)
    if dates is not None:
        return _describe_dates(name, dates)
    return InferredColumn(Column(name, ColumnKind.CATEGORY))


def _describe_numbers(name: str, known: pa.Array, written: NumberReading) -> InferredColumn:
    column = Column(name, ColumnKind.NUMBER, number_format=written.format)
    if written.is_certain:
        return InferredColumn(column, decimal=written.format.decimal if _has_mark(known) else None)
    other = "1.234,5" if written.format.decimal == "." else "1,234.5"
    cell = known[0].as_py()
    doubt = f"cells such as {cell!r} are read as {written.format}; if {other} is meant: types={{{name!r}: {other!r}}}"
    return InferredColumn(column, doubt)


def _describe_dates(name: str, dates: DateReading) -> InferredColumn:
    column = Column(name, ColumnKind.DATE, date_format=dates.format)
    if dates.other is None:
        return InferredColumn(column)
    doubt = f"{dates.other} would read its dates too; if it is meant: types={{{name!r}: {dates.other!r}}}"
    return InferredColumn(column, doubt)


def _has_mark(known: pa.Array) -> bool:
    return bool(pc.any(pc.match_substring_regex(known, r"[.,]")).as_py())


def _plain_fraction(known: pa.Array, counts: pa.Array) -> float:
    if not len(known) or has_code(known):
        return 0.0
    weight = pc.sum(counts.filter(pc.match_substring_regex(known, PLAIN))).as_py() or 0
    return float(weight / pc.sum(counts).as_py())


def _to_numbers(values: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    kind = values.type
    if _is_text_type(kind):
        text = trim(values)
        if column.number_format is not None:
            return parse_numbers(text, column.number_format)
        values = pc.if_else(pc.match_substring_regex(text, PLAIN), text, pa.scalar(None, text.type))
    elif _is_span(kind):
        values = values.cast(pa.int32() if pa.types.is_time32(kind) else pa.int64())
        if column.time_unit:
            values = pc.divide(values.cast(pa.float64(), safe=False), _UNITS_PER_S[kind.unit])
    elif pa.types.is_boolean(kind):
        values = values.cast(pa.int8())
    numbers = values.cast(pa.float64(), safe=False)
    return pc.if_else(pc.is_finite(numbers), numbers, pa.scalar(None, pa.float64()))


def _to_dates(values: pa.ChunkedArray, date_format: str | None) -> pa.ChunkedArray:
    if _is_text_type(values.type):
        return parse_dates(trim(values), date_format)
    if pa.types.is_timestamp(values.type) and values.type.tz:
        values = values.cast(pa.timestamp("us", "UTC"), safe=False)
    return values.cast(pa.timestamp("us"), safe=False)


def _has_value(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Returns (N,): true where a cell is not null, not NaN and not blank."""
    if pa.types.is_floating(values.type):
        return pc.is_valid(pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values))
    return pc.is_valid(trim(values.cast(pa.string())) if is_text(values) else values)


def _is_numeric_type(kind: Any) -> bool:
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal, _is_span)
    return any(test(kind) for test in tests)


def _is_span(kind: Any) -> bool:
    """Whether the type is a time of day or a duration, which are numbers in some unit."""
    return bool(pa.types.is_time(kind) or pa.types.is_duration(kind))


def _is_text_type(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
