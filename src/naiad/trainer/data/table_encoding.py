"""Encodes a table's columns as numbers, float32 (N, F). Works without torch, so that an endpoint's replica can do it too.

A number column is one feature, less its offset, and NaN where it is missing. A category column is one feature that holds its
code. A date column is seven features.
Shape legend: N rows, F features.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from naiad.errors import DataError, did_you_mean
from naiad.trainer.data.columns import Column, ColumnKind, convert, unreadable_rows

UNKNOWN_CODE, MISSING_CODE = -1, -2
"""Codes of a category that training did not have, and of a missing one."""
_DAY_S = 86_400
_PERIODS_DAYS = (365.2425, 7.0, 1.0)
"""Year, week and day: a date is its days since 1970, and a sine and a cosine of each period."""
_DATE_WIDTH = 1 + 2 * len(_PERIODS_DAYS)


def encoded_width(column: Column) -> int:
    """Returns the number of features that the column becomes."""
    return _DATE_WIDTH if column.kind is ColumnKind.DATE else 1


def encode_table(table: pa.Table, columns: Sequence[Column]) -> npt.NDArray[np.float32]:
    """Returns (N, F). Ignores other columns of the table. Raises DataError where a column is missing or a cell unreadable."""
    names = check_columns(table, columns)
    named = zip(names, columns, strict=True)
    values_NF = np.concatenate([_encode_column(table[name], column) for name, column in named], axis=1)
    with np.errstate(over="ignore"):
        narrow_NF = values_NF.astype(np.float32)
    return np.where(np.isinf(narrow_NF), np.float32(np.nan), narrow_NF)  # a number too large for float32 is missing


def check_columns(table: pa.Table, columns: Sequence[Column]) -> list[str]:
    """Returns the names that the columns have in the table. Raises DataError where it lacks one of them.

    Spaces at the ends of a name do not count where the name itself is not there: a CSV file's names lose them when it is
    read, but not in earlier versions, and not in pandas.
    """
    known = set(table.column_names)
    by_stripped_name = {name.strip(): name for name in reversed(table.column_names)}
    names = [
        column.name if column.name in known else by_stripped_name.get(column.name.strip(), column.name)
        for column in columns
    ]
    missing = [name for name in names if name not in known]
    if missing:
        raise DataError(
            f"the table has no column {', '.join(map(repr, missing))}, which the model was trained on",
            hint=did_you_mean(missing[0], table.column_names),
        )
    return names


def _encode_column(values: pa.ChunkedArray, column: Column) -> npt.NDArray[np.float64]:
    """Returns (N, width of the column)."""
    converted = convert(values, column)
    unreadable = unreadable_rows(values, converted)
    if len(unreadable):
        row = int(unreadable[0])
        raise DataError(
            f"column {column.name!r} has {values[row].as_py()!r} in row {row}, which is no {column.kind}",
            hint="correct the cell, or leave it empty",
        )
    match column.kind:
        case ColumnKind.NUMBER:
            numbers = np.asarray(converted.to_numpy(), dtype=np.float64)
            return (numbers - column.offset if column.offset else numbers)[:, None]
        case ColumnKind.CATEGORY:
            return _encode_categories(converted, column.categories)[:, None]
        case ColumnKind.DATE:
            return _encode_dates(converted)


def _encode_categories(values: pa.ChunkedArray, categories: tuple[str, ...]) -> npt.NDArray[np.float64]:
    known_codes = pc.index_in(values, value_set=pa.array(categories, pa.string()), skip_nulls=True)
    codes = pc.if_else(pc.is_null(values), MISSING_CODE, pc.fill_null(known_codes, UNKNOWN_CODE))
    return np.asarray(codes.to_numpy(), dtype=np.float64)


def _encode_dates(dates: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    seconds = pc.divide(dates.cast(pa.int64()).cast(pa.float64(), safe=False), 1e6)
    days_N = np.asarray(seconds.to_numpy(), dtype=np.float64) / _DAY_S
    angles = [2 * math.pi * days_N / period for period in _PERIODS_DAYS]
    return np.stack([days_N, *(wave(angle) for angle in angles for wave in (np.sin, np.cos))], axis=1)
