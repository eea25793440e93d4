"""Cleans tables: chooses the columns that a network can learn from, and converts the cells of all splits.

Columns are chosen by the training split only. Rows are removed elsewhere: those without a label, and copies.
Shape legend: N rows.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from naiad.errors import DataError
from naiad.trainer.data.cleaning.label_column import read_label
from naiad.trainer.data.column_types import ColumnType, TypeName
from naiad.trainer.data.columns import (
    ARROW_TYPES,
    Column,
    ColumnKind,
    InferredColumn,
    convert,
    infer_column,
    infer_number_column,
    is_text,
    number_fraction,
    unreadable_rows,
)
from naiad.trainer.data.findings import MAX_EXAMPLES, Action, Finding, Findings, make_findings
from naiad.trainer.data.missing_words import MISSING_WORDS
from naiad.trainer.data.sources.csv_file import DECIMAL
from naiad.trainer.data.sources.reading_findings import missing_words

_MIN_IDENTIFIER_ROWS = 20
_MIN_DISTINCT_FRACTION = 0.95
"""A text column with this fraction of distinct cells, or more, is an identifier."""
_IDENTIFIER_NAMES = ("id", "uuid", "guid", "index", "key", "rowid", "row", "unnamed: 0", "")
_MIN_MIXED_FRACTION = 0.2
"""A category column with this fraction of numbers, or more, is reported."""
_NO_TYPES: Mapping[str, ColumnType] = {}


def choose_columns(
    train: pa.Table, *, label: str | None, types: Mapping[str, ColumnType] = _NO_TYPES
) -> tuple[tuple[Column, ...], Findings]:
    """Returns the columns to learn from. types: those that the user gives. Raises DataError where none is left."""
    inputs: list[Column] = []
    identifiers: list[Column] = []
    findings = Findings()
    for name, inferred in _infer_columns(train, label, types).items():
        column = inferred.column
        if name in types and types[name].name is TypeName.IGNORE:
            findings += _report_unused(name, "types says so", kind="ignored-column")
            continue
        known = None if column is None else convert(train[name], column).drop_null()
        distinct = 0 if known is None else len(pc.unique(known))
        if reason := _reason_not_to_use(train[name], known, distinct):
            findings += _report_unused(name, reason, kind="constant-column")
        elif column is None or known is None:
            reason = f"{train[name].type} is neither number, text nor date"
            findings += _report_unused(name, reason, kind="unusable-column")
        elif name not in types and _is_identifier(train[name], column, known, distinct):
            identifiers.append(column)
        else:
            inputs.append(column)
            findings += _report_inferred(name, inferred, known, is_requested=name in types)
    if inputs:
        for column in identifiers:
            findings += _report_unused(column.name, "its value is different in each row", kind="identifier-column")
    elif identifiers:
        inputs = identifiers
        findings += _report_identifiers([column.name for column in inputs])
    else:
        reasons = "; ".join(item.message for item in findings.items[:5]) or "only the label is there"
        raise DataError(f"the table has no column to learn from: {reasons}", hint="see `naiad inspect`")
    return tuple(inputs), findings


def clean_table(
    table: pa.Table,
    columns: Sequence[Column],
    *,
    label: str | None,
    split: str,
    names: Sequence[str],
    label_column: Column | None = None,
) -> tuple[pa.Table, Findings]:
    """Returns the ``columns``, converted to their types, and the label column where there is one.

    names: (N,) of the rows. label_column: how the label's cells are read, see ``infer_label``.
    """
    arrays: dict[str, pa.ChunkedArray] = {}
    findings = _report_other_columns(table, columns, label, split)
    for column in columns:
        if column.name not in table.column_names:
            arrays[column.name] = pa.chunked_array([pa.nulls(table.num_rows, ARROW_TYPES[column.kind])])
            continue
        values = table[column.name]
        arrays[column.name] = convert(values, column)
        cells = _report_cells(values, arrays[column.name], column, split, names)
        findings += cells + _report_missing(
            arrays[column.name], column, split, cells, missing_words(table, column.name)
        )
    if label is not None and label in table.column_names:
        arrays[label] = read_label(table[label], label_column)
    return pa.table(arrays), findings


# ---- columns


def _infer_columns(train: pa.Table, label: str | None, types: Mapping[str, ColumnType]) -> dict[str, InferredColumn]:
    """Returns the inputs by name. Columns that leave a doubt about the decimal mark have that of the others."""
    names = [name for name in train.column_names if name != label]
    inferred = {
        name: _requested_column(train[name], name, types[name]) if name in types else infer_column(name, train[name])
        for name in names
    }
    suggested = (train.schema.metadata or {}).get(DECIMAL)
    marks = {column.decimal for column in inferred.values()} - {None}
    decimal = next(iter(marks)) if len(marks) == 1 else None if suggested is None else suggested.decode()
    if decimal != ",":
        return inferred
    return {
        name: infer_column(name, train[name], decimal=decimal)
        if _may_be_grouped(train[name], name, column, types)
        else column
        for name, column in inferred.items()
    }


def _may_be_grouped(
    values: pa.ChunkedArray, name: str, inferred: InferredColumn, types: Mapping[str, ColumnType]
) -> bool:
    """Whether text was taken for numbers that may have another decimal mark."""
    column = inferred.column
    is_number = column is not None and column.kind is ColumnKind.NUMBER and inferred.decimal is None
    return is_number and name not in types and is_text(values)


def _requested_column(values: pa.ChunkedArray, name: str, requested: ColumnType) -> InferredColumn:
    """Returns the column that the user describes; its format is inferred where it is not said."""
    match requested.name:
        case TypeName.NUMBER:
            return infer_number_column(name, values, requested=requested.number_format)
        case TypeName.DATE if requested.date_format is None:
            inferred = infer_column(name, values).column
            date_format = inferred.date_format if inferred is not None else None
            return InferredColumn(Column(name, ColumnKind.DATE, date_format=date_format))
        case TypeName.DATE:
            return InferredColumn(Column(name, ColumnKind.DATE, date_format=requested.date_format))
    return InferredColumn(Column(name, ColumnKind.CATEGORY))


def _reason_not_to_use(values: pa.ChunkedArray, known: pa.ChunkedArray | None, distinct: int) -> str | None:
    """Returns why a network cannot learn from the column; None where it may. known: converted cells; distinct: of these."""
    if pa.types.is_null(values.type):
        return "it is empty"
    if known is None:
        return None
    if not len(known):
        return "it is empty"
    return "it has one value in all training rows" if len(known) == len(values) and distinct == 1 else None


def _is_identifier(values: pa.ChunkedArray, column: Column, known: pa.ChunkedArray, distinct: int) -> bool:
    """Whether text differs in nearly every row, or whole numbers all differ and are named or counted like identifiers."""
    if len(known) < _MIN_IDENTIFIER_ROWS or column.kind is ColumnKind.DATE:
        return False
    distinct_fraction = distinct / len(known)
    if column.kind is ColumnKind.CATEGORY:
        return distinct_fraction >= _MIN_DISTINCT_FRACTION
    if distinct_fraction < 1 or pa.types.is_floating(values.type):
        return False
    if not pc.all(pc.equal(pc.floor(known), known)).as_py():
        return False
    numbers = np.asarray(known.to_numpy())
    return _has_identifier_name(column.name) or len(set(np.diff(numbers).tolist())) == 1


def _has_identifier_name(name: str) -> bool:
    lowered = name.lower()
    return lowered in _IDENTIFIER_NAMES or lowered.endswith(("_id", " id", "-id")) or name.endswith("Id")


def _report_unused(name: str, reason: str, *, kind: str) -> Findings:
    message = f"column {name!r} is not used: {reason}"
    return make_findings(kind, "train", [f"column {name}"], Action.QUARANTINED, message)


def _report_inferred(name: str, inferred: InferredColumn, known: pa.ChunkedArray, *, is_requested: bool) -> Findings:
    """Reports what else the column may be, and words for a missing cell that are values in it."""
    findings = Findings()
    if inferred.doubt:
        findings += Findings((Finding("ambiguous-column", "train", 1, Action.REPORTED, inferred.doubt, (name,)),))
    if is_requested or inferred.column is None or inferred.column.kind is not ColumnKind.CATEGORY:
        return findings
    is_word = pc.is_in(known, value_set=pa.array(MISSING_WORDS, known.type))
    words = pc.unique(known.filter(is_word)).to_pylist()
    if words:
        listed = ", ".join(map(repr, words))
        message = f"{listed} in column {name!r} is a value like the others, not a missing cell"
        findings += Findings(
            (Finding("missing-word-as-value", "train", len(words), Action.REPORTED, message, (name,)),)
        )
    return findings


def _report_identifiers(names: list[str]) -> Findings:
    message = (
        "columns whose value is different in each row, used since there are no others: check that they are no row names"
    )
    return make_findings("identifier-column", "train", [f"column {name}" for name in names], Action.REPORTED, message)


def _report_other_columns(table: pa.Table, columns: Sequence[Column], label: str | None, split: str) -> Findings:
    """Reports the columns that a split lacks, and those that only the test or validation split has."""
    missing = [column.name for column in columns if column.name not in table.column_names]
    message = f"columns that {split} does not have: taken as missing in every row"
    findings = make_findings("missing-column", split, missing, Action.REPAIRED, message)
    if split == "train":
        return findings
    known = {column.name for column in columns} | {label}
    unused = [name for name in table.column_names if name not in known]
    message = "columns that the network is not trained on"
    return findings + make_findings("unused-column", split, unused, Action.REPORTED, message)


# ---- cells


def _report_cells(
    before: pa.ChunkedArray, after: pa.ChunkedArray, column: Column, split: str, names: Sequence[str]
) -> Findings:
    findings = Findings()
    rows = unreadable_rows(before, after)
    if len(rows):
        examples = tuple(f"{names[row]}: {str(before[int(row)].as_py())[:40]!r}" for row in rows[:MAX_EXAMPLES])
        kind = "mixed-types" if is_text(before) else "non-finite"
        message = f"cells of column {column.name!r} that are no {column.kind}: taken as missing"
        findings += Findings((Finding(kind, split, len(rows), Action.REPAIRED, message, examples),))
    if column.kind is ColumnKind.CATEGORY and split == "train" and number_fraction(after) >= _MIN_MIXED_FRACTION:
        message = f"column {column.name!r} mixes numbers and words: used as categories"
        findings += Findings((Finding("mixed-types", split, len(after), Action.REPORTED, message, (column.name,)),))
    return findings


def _report_missing(
    after: pa.ChunkedArray, column: Column, split: str, unreadable: Findings, words: Mapping[str, int]
) -> Findings:
    """unreadable: the finding of cells that are null as they cannot be read. words: how missing cells are written."""
    repaired = sum(item.count for item in unreadable.items if item.action is Action.REPAIRED)
    missing = int(after.null_count) - repaired
    if not missing:
        return Findings()
    filling = "a category of their own" if column.kind is ColumnKind.CATEGORY else "the training median, and flagged"
    listed = ", ".join(map(repr, words))
    written = f" ({listed})" if words else ""
    overrule = (
        f"; types={{{column.name!r}: 'text'}} makes {listed} a value"
        if words and column.kind is ColumnKind.CATEGORY
        else ""
    )
    message = f"column {column.name!r} has missing cells{written}: filled with {filling}{overrule}"
    return Findings((Finding("missing-cells", split, missing, Action.REPAIRED, message, (column.name,)),))
