"""Cleans tables: chooses the columns that a network can learn from, and converts the cells of all splits.

Columns are chosen by the training split only. Rows are removed elsewhere: those without a label, and copies.
Shape legend: N rows.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from naiad.errors import DataError
from naiad.trainer.data.columns import (
    ARROW_TYPES,
    Column,
    ColumnKind,
    convert,
    infer_column,
    is_text,
    number_fraction,
    unreadable_rows,
)
from naiad.trainer.data.findings import MAX_EXAMPLES, Action, Finding, Findings, make_findings

_MIN_IDENTIFIER_ROWS = 20
_MIN_DISTINCT_FRACTION = 0.95
"""A text column with this fraction of distinct cells, or more, is an identifier."""
_IDENTIFIER_NAMES = ("id", "uuid", "guid", "index", "key", "rowid", "row", "unnamed: 0", "")
_MIN_MIXED_FRACTION = 0.2
"""A category column with this fraction of numbers, or more, is reported."""
_MIN_NUMBER_FRACTION = 0.95
_MAX_NUMBER_CLASSES = 20
"""A text label with a larger fraction of numbers, and more distinct ones, is a number with missing cells."""


def choose_columns(train: pa.Table, *, label: str | None) -> tuple[tuple[Column, ...], Findings]:
    """Returns the columns to learn from. Raises DataError where none is left."""
    inputs: list[Column] = []
    identifiers: list[Column] = []
    findings = Findings()
    for name in train.column_names:
        if name == label:
            continue
        column = infer_column(name, train[name])
        if reason := _reason_not_to_use(train[name], column):
            findings += _report_unused(name, reason, kind="constant-column")
        elif column is None:
            reason = f"{train[name].type} is neither number, text nor date"
            findings += _report_unused(name, reason, kind="unusable-column")
        elif _is_identifier(train[name], column):
            identifiers.append(column)
        else:
            inputs.append(column)
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
    table: pa.Table, columns: Sequence[Column], *, label: str | None, split: str, names: Sequence[str]
) -> tuple[pa.Table, Findings]:
    """Returns the ``columns``, converted to their types, and the label column where there is one. names: (N,) of the rows."""
    arrays: dict[str, pa.ChunkedArray] = {}
    findings = _report_other_columns(table, columns, label, split)
    for column in columns:
        if column.name not in table.column_names:
            arrays[column.name] = pa.chunked_array([pa.nulls(table.num_rows, ARROW_TYPES[column.kind])])
            continue
        values = table[column.name]
        arrays[column.name] = convert(values, column)
        findings += _report_cells(values, arrays[column.name], column, split, names)
    if label is not None and label in table.column_names:
        arrays[label] = clean_label(table[label])
    return pa.table(arrays), findings


def clean_label(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Removes spaces at the ends of text; text that is nearly all numbers becomes numbers with missing cells."""
    if not is_text(values):
        return values
    text = convert(values, Column("label", ColumnKind.CATEGORY))
    if number_fraction(text) >= _MIN_NUMBER_FRACTION and len(pc.unique(text)) > _MAX_NUMBER_CLASSES:
        return convert(text, Column("label", ColumnKind.NUMBER))
    return text


# ---- columns


def _reason_not_to_use(values: pa.ChunkedArray, column: Column | None) -> str | None:
    """Returns why a network cannot learn from the column; None where it may."""
    if pa.types.is_null(values.type):
        return "it is empty"
    if column is None:
        return None
    known = convert(values, column).drop_null()
    if not len(known):
        return "it is empty"
    is_constant = len(known) == len(values) and len(pc.unique(known)) == 1
    return "it has one value in all training rows" if is_constant else None


def _is_identifier(values: pa.ChunkedArray, column: Column) -> bool:
    """Whether text differs in nearly every row, or whole numbers all differ and are named or counted like identifiers."""
    known = convert(values, column).drop_null()
    if len(known) < _MIN_IDENTIFIER_ROWS or column.kind is ColumnKind.DATE:
        return False
    distinct_fraction = len(pc.unique(known)) / len(known)
    if column.kind is ColumnKind.CATEGORY:
        return distinct_fraction >= _MIN_DISTINCT_FRACTION
    is_whole = not pa.types.is_floating(values.type) and pc.all(pc.equal(pc.floor(known), known)).as_py()
    if distinct_fraction < 1 or not is_whole:
        return False
    numbers = np.asarray(known.to_numpy())
    return _has_identifier_name(column.name) or len(set(np.diff(numbers).tolist())) == 1


def _has_identifier_name(name: str) -> bool:
    lowered = name.lower()
    return lowered in _IDENTIFIER_NAMES or lowered.endswith(("_id", " id", "-id")) or name.endswith("Id")


def _report_unused(name: str, reason: str, *, kind: str) -> Findings:
    message = f"column {name!r} is not used: {reason}"
    return make_findings(kind, "train", [f"column {name}"], Action.QUARANTINED, message)


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
    missing = int(after.null_count) - len(rows)
    if missing:
        filling = (
            "a category of their own" if column.kind is ColumnKind.CATEGORY else "the training median, and flagged"
        )
        message = f"column {column.name!r} has missing cells: filled with {filling}"
        findings += Findings((Finding("missing-cells", split, missing, Action.REPAIRED, message, (column.name,)),))
    if column.kind is ColumnKind.CATEGORY and split == "train" and number_fraction(after) >= _MIN_MIXED_FRACTION:
        message = f"column {column.name!r} mixes numbers and words: used as categories"
        findings += Findings((Finding("mixed-types", split, len(after), Action.REPORTED, message, (column.name,)),))
    return findings
