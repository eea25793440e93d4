"""The label column of a table: whether its text is classes or numbers, and its cells as that.

Shape legend: N rows.
"""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from naiad.errors import DataError
from naiad.trainer.data.column_types import ColumnType, TypeName
from naiad.trainer.data.columns import (
    Column,
    ColumnKind,
    convert,
    count_cells,
    infer_number_column,
    is_text,
    number_fraction,
)
from naiad.trainer.data.date_text import infer_date_format
from naiad.trainer.data.findings import Action, Finding, Findings
from naiad.trainer.data.number_text import has_code, infer_number_format, parse_numbers
from naiad.trainer.data.sources.csv_file import DECIMAL
from naiad.trainer.data.sources.reading_findings import missing_words

_MIN_NUMBER_FRACTION = 0.95
_MAX_NUMBER_CLASSES = 20
"""A text label with a larger fraction of numbers, and more distinct ones, is a number with missing cells."""
_CLASS_LIKE_WORDS = ("NA", "N/A", "n/a", "null", "NULL")
"""Words for a missing label that people also give to a class; programs write the others, such as NaN."""
_MIN_ASKED_FRACTION = 0.1
"""Fraction of the labels that are such a word, from which on it is not guessed what it means."""


def infer_label(train: pa.Table, label: str, types: Mapping[str, ColumnType]) -> tuple[Column | None, Findings]:
    """Returns how the label's cells are read, and what was guessed; None where they are read as they come.

    Raises DataError for many dates, and where a word may be a class, or stand for a missing label, in many rows.
    """
    requested = types.get(label)
    if requested is not None:
        return _requested_column(train[label], label, requested), Findings()
    values, classes = train[label], Column(label, ColumnKind.CATEGORY)
    if not is_text(values) and not _is_temporal(values):
        return None, Findings()
    text = convert(values, classes)
    _check_few_dates(label, values, text)
    if not is_text(values):
        return classes, Findings()
    decimal = (train.schema.metadata or {}).get(DECIMAL)
    column, doubt = _infer_from_text(label, text, None if decimal is None else decimal.decode())
    findings = _report_missing_words(train, label) if column.kind is ColumnKind.CATEGORY else Findings()
    if doubt:
        findings += Findings((Finding("ambiguous-column", "train", 1, Action.REPORTED, doubt, (label,)),))
    return column, findings


def read_label(values: pa.ChunkedArray, column: Column | None) -> pa.ChunkedArray:
    """Returns (N,) labels; an unreadable one is null. column: as ``infer_label`` or a trained model has it.

    None: text without spaces at its ends, numbers where nearly all of it are some, or dates as text.
    """
    if column is None and (is_text(values) or _is_temporal(values)):
        column, _ = _infer_from_text("label", convert(values, Column("label", ColumnKind.CATEGORY)), None)
    return values if column is None else convert(values, column)


def _is_temporal(values: pa.ChunkedArray) -> bool:
    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    return bool(pa.types.is_temporal(kind))


def _requested_column(values: pa.ChunkedArray, label: str, requested: ColumnType) -> Column | None:
    match requested.name:
        case TypeName.NUMBER:
            return infer_number_column(label, values, requested=requested.number_format).column
        case TypeName.CATEGORY | TypeName.TEXT:
            return Column(label, ColumnKind.CATEGORY)
    raise DataError(
        f"the label column {label!r} cannot be of the type {requested.name}", hint="give number, category or text"
    )


def _infer_from_text(label: str, text: pa.ChunkedArray, decimal: str | None) -> tuple[Column, str]:
    """Returns the column and a doubt. text: (N,) trimmed."""
    classes = Column(label, ColumnKind.CATEGORY)
    known, counts = count_cells(text)
    if number_fraction(text) >= _MIN_NUMBER_FRACTION:
        return (Column(label, ColumnKind.NUMBER), "") if len(known) > _MAX_NUMBER_CLASSES else (classes, "")
    reading = None if not len(known) or has_code(known) else infer_number_format(known, counts, decimal=decimal)
    if reading is None or reading.fraction < _MIN_NUMBER_FRACTION:
        return classes, ""
    numbers = parse_numbers(pa.chunked_array([known]), reading.format).drop_null()
    if len(known) <= _MAX_NUMBER_CLASSES and pc.all(pc.equal(pc.floor(numbers), numbers)).as_py():
        return classes, ""
    column = Column(label, ColumnKind.NUMBER, number_format=reading.format)
    if reading.is_certain:
        return column, ""
    other = "1.234,5" if reading.format.decimal == "." else "1,234.5"
    return column, f"the labels are read as {reading.format}; if {other} is meant: types={{{label!r}: {other!r}}}"


def _check_few_dates(label: str, values: pa.ChunkedArray, text: pa.ChunkedArray) -> None:
    """Raises DataError for many dates, which are neither classes nor numbers. text: (N,) the values as trimmed text."""
    known, counts = count_cells(text)
    if len(known) <= _MAX_NUMBER_CLASSES:
        return
    if _is_temporal(values):
        described = f"of type {values.type}"
    else:
        dates = infer_date_format(known, counts, min_fraction=_MIN_NUMBER_FRACTION)
        if dates is None:
            return
        described = f"written as {dates.format}"
    raise DataError(
        f"the label column {label!r} holds dates {described}, which are neither classes nor numbers",
        hint=f"name another column with label=; types={{{label!r}: 'text'}} makes each date a class",
    )


def _report_missing_words(train: pa.Table, label: str) -> Findings:
    words = missing_words(train, label)
    if not words:
        return Findings()
    listed, count = ", ".join(map(repr, words)), sum(words.values())
    as_class, as_missing = f"types={{{label!r}: 'text'}}", f"types={{{label!r}: 'category'}}"
    class_like = [word for word in words if word in _CLASS_LIKE_WORDS]
    if sum(words[word] for word in class_like) >= _MIN_ASKED_FRACTION * train.num_rows:
        raise DataError(
            f"the label column {label!r} has {', '.join(map(repr, class_like))} in {count:,} of {train.num_rows:,} rows: "
            "it may be a class, or stand for a missing label",
            hint=f"{as_class} makes it a class, {as_missing} leaves these rows out",
        )
    message = f"labels {listed} are taken as missing; {as_class} would make them a class"
    return Findings((Finding("missing-label-word", "train", count, Action.REPORTED, message, tuple(words)),))
