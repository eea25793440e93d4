"""A table's columns as numbers: float32 (N, F) slots, as a program takes them. Without torch, so that a replica can do it too.

A number is one slot, NaN where it is missing. A category is one slot that holds its code. A date is seven slots.
Shape legend: N rows, F slots.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from naiad.errors import DataError, nearest
from naiad.trainer.data.columns import Column, ColumnKind, converted, unreadable

UNKNOWN, MISSING = -1, -2
"""Codes of a category that training did not have, and of none."""
_DAY_S = 86_400
_CYCLES_DAYS = (365.2425, 7.0, 1.0)
"""A date goes in as its days since 1970 and as a point on the circle of the year, the week and the day."""
_DATE_SLOTS = 1 + 2 * len(_CYCLES_DAYS)


def width(column: Column) -> int:
    return _DATE_SLOTS if column.kind is ColumnKind.DATE else 1


def slots_of(table: pa.Table, columns: Sequence[Column]) -> npt.NDArray[np.float32]:
    """(N, F). Columns that are not asked for are passed over. Raises DataError when one is missing or a cell cannot be read."""
    check_columns(table, columns)
    slots = np.concatenate([_encoded(table[column.name], column) for column in columns], axis=1)
    with np.errstate(over="ignore"):
        narrow = slots.astype(np.float32)
    return np.where(np.isinf(narrow), np.float32(np.nan), narrow)  # a number that float32 cannot hold is missing


def check_columns(table: pa.Table, columns: Sequence[Column]) -> None:
    """Raises DataError when the table lacks one of the columns."""
    lacking = [column.name for column in columns if column.name not in table.column_names]
    if lacking:
        raise DataError(
            f"the table has no column {', '.join(map(repr, lacking))}, which the model was trained on",
            hint=nearest(lacking[0], table.column_names),
        )


def _encoded(values: pa.ChunkedArray, column: Column) -> npt.NDArray[np.float64]:
    """(N, slots of the column)."""
    form = converted(values, column)
    lost = unreadable(values, form)
    if len(lost):
        row = int(lost[0])
        raise DataError(
            f"column {column.name!r} has {values[row].as_py()!r} in row {row}, which is no {column.kind}",
            hint="correct the cell, or leave it empty",
        )
    match column.kind:
        case ColumnKind.NUMBER:
            return np.asarray(form.to_numpy(), dtype=np.float64)[:, None]
        case ColumnKind.CATEGORY:
            return _codes(form, column.categories)[:, None]
        case ColumnKind.DATE:
            return _circles(form)


def _codes(values: pa.ChunkedArray, categories: tuple[str, ...]) -> npt.NDArray[np.float64]:
    places = pc.index_in(values, value_set=pa.array(categories, pa.string()), skip_nulls=True)
    codes = pc.if_else(pc.is_null(values), MISSING, pc.fill_null(places, UNKNOWN))
    return np.asarray(codes.to_numpy(), dtype=np.float64)


def _circles(dates: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    seconds = pc.divide(dates.cast(pa.int64()).cast(pa.float64(), safe=False), 1e6)
    days_N = np.asarray(seconds.to_numpy(), dtype=np.float64) / _DAY_S
    turns = [2 * math.pi * days_N / length for length in _CYCLES_DAYS]
    return np.stack([days_N, *(wave(turn) for turn in turns for wave in (np.sin, np.cos))], axis=1)
