"""Tables: which columns a network can learn from, and every column of every split in one form.

The choice of columns looks at the training split only. Rows are left out elsewhere (labels, copies), columns here.
Shape legend: N rows.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from naiad.errors import DataError
from naiad.trainer.data.cleaning.checked import report
from naiad.trainer.data.columns import (
    TYPES,
    Column,
    ColumnKind,
    converted,
    found_column,
    is_text,
    number_share,
    unreadable,
)
from naiad.trainer.data.findings import Action, Finding, Findings

_IDENTIFIER_ROWS = 20
_DISTINCT = 0.95
_IDENTIFIER_NAMES = ("id", "uuid", "guid", "index", "key", "rowid", "row", "unnamed: 0", "")
_SOMETIMES_NUMBERS = 0.2
_EXAMPLES = 5
_VALUE_LABELS = 20
"""A text label with more distinct numbers than this is a number with gaps."""


def choose_columns(train: pa.Table, *, label: str | None) -> tuple[tuple[Column, ...], Findings]:
    """The columns to learn from. Raises DataError when none is left."""
    kept: list[Column] = []
    identifiers: list[Column] = []
    findings = Findings()
    for name in train.column_names:
        if name == label:
            continue
        column = found_column(name, train[name])
        found = _useless(train[name], column)
        if found is not None:
            findings += _left_out(name, found, kind="constant-column")
        elif column is None:
            findings += _left_out(name, f"{train[name].type} is neither number, text nor date", kind="unusable-column")
        elif _is_identifier(train[name], column):
            identifiers.append(column)
        else:
            kept.append(column)
    if kept:
        for column in identifiers:
            findings += _left_out(column.name, "a value of its own in each row", kind="identifier-column")
    elif identifiers:
        kept = identifiers
        findings += _told_identifiers([column.name for column in kept])
    else:
        reasons = "; ".join(item.message for item in findings.items[:5]) or "only the label is there"
        raise DataError(f"the table has no column to learn from: {reasons}", hint="see `naiad inspect`")
    return tuple(kept), findings


def clean_table(
    table: pa.Table, columns: Sequence[Column], *, label: str | None, split: str, names: Sequence[str]
) -> tuple[pa.Table, Findings]:
    """``columns`` in their types, and the label where there is one. names: (N,), for the examples of what was found."""
    arrays: dict[str, pa.ChunkedArray] = {}
    findings = _other_columns(table, columns, label, split)
    for column in columns:
        if column.name not in table.column_names:
            arrays[column.name] = pa.chunked_array([pa.nulls(table.num_rows, TYPES[column.kind])])
            continue
        values = table[column.name]
        arrays[column.name] = converted(values, column)
        findings += _cells(values, arrays[column.name], column, split, names)
    if label is not None and label in table.column_names:
        arrays[label] = clean_label(table[label])
    return pa.table(arrays), findings


def clean_label(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text without spaces at its ends; numbers that came as text, with a few words among them, as numbers with gaps."""
    if not is_text(values):
        return values
    text = converted(values, Column("label", ColumnKind.CATEGORY))
    if number_share(text) >= _DISTINCT and len(pc.unique(text)) > _VALUE_LABELS:
        return converted(text, Column("label", ColumnKind.NUMBER))
    return text


def _useless(values: pa.ChunkedArray, column: Column | None) -> str | None:
    """Why the column tells a network nothing; None when it may tell something."""
    if pa.types.is_null(values.type):
        return "it is empty"
    if column is None:
        return None
    known = converted(values, column).drop_null()
    if not len(known):
        return "it is empty"
    constant = len(known) == len(values) and len(pc.unique(known)) == 1
    return "it has one value in all training rows" if constant else None


def _left_out(name: str, reason: str, *, kind: str) -> Findings:
    message = f"column {name!r} is not used: {reason}"
    return report(kind, "train", [f"column {name}"], Action.LEFT_OUT, message)


def _told_identifiers(names: list[str]) -> Findings:
    message = (
        "columns with a value of its own in each row, used since there are no others: mind names and numbers of rows"
    )
    return report("identifier-column", "train", [f"column {name}" for name in names], Action.TOLD, message)


def _is_identifier(values: pa.ChunkedArray, column: Column) -> bool:
    """Text that differs in nearly every row; whole numbers that all differ and are named or counted like identifiers."""
    known = converted(values, column).drop_null()
    if len(known) < _IDENTIFIER_ROWS or column.kind is ColumnKind.DATE:
        return False
    distinct = len(pc.unique(known)) / len(known)
    if column.kind is ColumnKind.CATEGORY:
        return distinct >= _DISTINCT
    if distinct < 1 or pa.types.is_floating(values.type) or not pc.all(pc.equal(pc.floor(known), known)).as_py():
        return False
    numbers = np.asarray(known.to_numpy())
    return _has_identifier_name(column.name) or len(set(np.diff(numbers).tolist())) == 1


def _has_identifier_name(name: str) -> bool:
    lowered = name.lower()
    return lowered in _IDENTIFIER_NAMES or lowered.endswith(("_id", " id", "-id")) or name.endswith("Id")


def _other_columns(table: pa.Table, columns: Sequence[Column], label: str | None, split: str) -> Findings:
    """Columns that this split lacks. What it has besides is left out with the training split's columns, or told here."""
    lacking = [column.name for column in columns if column.name not in table.column_names]
    message = f"columns that {split} does not have: taken as missing in every row"
    findings = report("missing-column", split, lacking, Action.REPAIRED, message)
    if split == "train":
        return findings
    known = {column.name for column in columns} | {label}
    more = [name for name in table.column_names if name not in known]
    return findings + report("unused-column", split, more, Action.TOLD, "columns that the network is not trained on")


def _cells(
    before: pa.ChunkedArray, after: pa.ChunkedArray, column: Column, split: str, names: Sequence[str]
) -> Findings:
    findings = Findings()
    places = unreadable(before, after)
    if len(places):
        shown = tuple(f"{names[place]}: {str(before[int(place)].as_py())[:40]!r}" for place in places[:_EXAMPLES])
        kind = "mixed-types" if is_text(before) else "non-finite"
        message = f"cells of column {column.name!r} that are no {column.kind}: taken as missing"
        findings += Findings((Finding(kind, split, len(places), Action.REPAIRED, message, shown),))
    gaps = int(after.null_count) - len(places)
    if gaps:
        how = "a category of their own" if column.kind is ColumnKind.CATEGORY else "the training median, and a flag"
        message = f"column {column.name!r} has missing cells: filled with {how}"
        findings += Findings((Finding("missing-cells", split, gaps, Action.REPAIRED, message, (column.name,)),))
    if column.kind is ColumnKind.CATEGORY and split == "train" and number_share(after) >= _SOMETIMES_NUMBERS:
        message = f"column {column.name!r} mixes numbers and words: used as categories"
        findings += Findings((Finding("mixed-types", split, len(after), Action.TOLD, message, (column.name,)),))
    return findings
