"""A frame and its labels, (frame, y): an array whose columns have names where all are numbers, else a table with y as a column.

Shape legend: N samples, F features.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from naiad.errors import DataError, did_you_mean
from naiad.trainer.data.columns import Column, ColumnKind, convert, infer_column, is_text
from naiad.trainer.data.findings import Action, Finding, Findings
from naiad.trainer.data.layout import Layout
from naiad.trainer.data.sources.arrays import open_arrays
from naiad.trainer.data.sources.frames import is_frame
from naiad.trainer.data.sources.label_matrix import read_labels
from naiad.trainer.data.sources.raw_data import RawData
from naiad.trainer.data.sources.table import as_table, open_table
from naiad.trainer.data.sources.table_options import TableOptions

_LABEL = "y"


def is_frame_pair(data: Any) -> bool:
    """Whether the data are (frame, y) or (frame,)."""
    return isinstance(data, tuple) and len(data) in (1, 2) and is_frame(data[0])


def open_frame_pair(data: tuple[Any, ...], options: TableOptions, layout: Layout | None) -> RawData:
    """Raises DataError."""
    frame, labels = data[0], data[1] if len(data) > 1 else None
    table = as_table(frame, keep=options.index_columns)
    if options.types or options.pairs_are_tables or not all(map(_is_number, table.columns)):
        raw = _open_with_labels(table, labels, options)
    else:
        is_plain = getattr(np.asarray(frame), "dtype", np.dtype(object)).kind in "buif"
        values = frame if is_plain else table_to_array(table, table.column_names)
        raw = open_arrays((values, *data[1:]), layout=layout)
        train = replace(raw.splits["train"], column_names=tuple(table.column_names))
        raw = replace(raw, splits={"train": train})
    return replace(raw, findings=_report_index_order(frame, labels) + raw.findings)


def table_to_array(table: pa.Table, names: Sequence[str]) -> npt.NDArray[Any]:
    """Returns (N, F), the columns ``names`` as numbers, NaN where they are missing. Raises DataError where one is not there."""
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise DataError(
            f"the table has no column {', '.join(map(repr, missing[:5]))}, which the model was trained on",
            hint=did_you_mean(missing[0], table.column_names),
        )
    return np.stack([_to_numbers(name, table[name]) for name in names], axis=1)


def _is_number(values: pa.ChunkedArray) -> bool:
    if pa.types.is_null(values.type):
        return True
    column = None if is_text(values) else infer_column("", values).column
    return column is not None and column.kind is ColumnKind.NUMBER


def _to_numbers(name: str, values: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    if not (_is_number(values) or is_text(values)):
        raise DataError(f"column {name!r} holds {values.type}, but the model was trained on it as a number")
    numbers = convert(
        values.cast(pa.float64()) if pa.types.is_null(values.type) else values,
        Column(name, ColumnKind.NUMBER, time_unit="s"),
    )
    return np.asarray(numbers.to_numpy(), dtype=np.float64)


def _open_with_labels(table: pa.Table, labels: Any, options: TableOptions) -> RawData:
    if labels is None:
        return open_table(table, replace(options, label=None))
    values, findings = read_labels(labels)
    if len(values) != table.num_rows:
        raise DataError(f"X has {table.num_rows:,} samples and y has {len(values):,} labels")
    name = options.label if options.label is not None else _LABEL
    while name in table.column_names:
        name += "_"
    cells = as_table({name: values})[name]
    raw = open_table(table.append_column(name, cells), replace(options, label=name))
    return replace(raw, labels_required=True, findings=findings + raw.findings)


def _report_index_order(frame: Any, labels: Any) -> Findings:
    """Reports labels whose index has the same entries as the frame's in another order: rows are matched by their position."""
    index: Any = getattr(frame, "index", None)
    other: Any = getattr(labels, "index", None)
    if not hasattr(index, "equals") or not hasattr(other, "equals") or len(index) != len(other) or index.equals(other):
        return Findings()
    if not index.is_unique or not index.isin(other).all():
        return Findings()
    message = (
        "the index of y has another order than that of X: rows are matched by position; y.loc[X.index] matches by index"
    )
    return Findings((Finding("index-order", "train", len(index), Action.REPORTED, message),))
