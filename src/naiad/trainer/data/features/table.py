"""Tables as a program takes them: float32 (N, F) slots, filled, standardised and spread out inside the program.

A number is one slot, NaN where it is missing. A category is one slot that holds its code. A date is seven slots.
Shape legend: N rows, B batch, F slots, D network inputs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor, nn

from naiad.errors import DataError, nearest
from naiad.trainer.data.features.columns import Column, ColumnKind, converted, unreadable
from naiad.trainer.data.sources.table import as_table

MOST_CATEGORIES = 64
"""Rarer categories of a column are treated as one that was never seen."""
UNKNOWN, MISSING = -1, -2
"""Codes of a category that training did not have, and of none."""
_CLIP = 10.0
"""Standardised values end here, so that one wild cell does not rule a step."""
_DAY_S = 86_400
_CYCLES_DAYS = (365.2425, 7.0, 1.0)
"""A date goes in as its days since 1970 and as a point on the circle of the year, the week and the day."""
_DATE_SLOTS = 1 + 2 * len(_CYCLES_DAYS)


@dataclass(frozen=True)
class TableSchema:
    """columns: the inputs, in the order of their slots."""

    columns: tuple[Column, ...]

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return (sum(_width(column) for column in self.columns),)

    @property
    def places(self) -> tuple[tuple[Column, int], ...]:
        """Each column with its first slot."""
        ends = accumulate(map(_width, self.columns), initial=0)
        return tuple(zip(self.columns, ends, strict=False))

    @property
    def dtype(self) -> torch.dtype:
        return torch.float32

    def encode(self, raw: Any) -> Tensor:
        """float32 (N, F) from a table, a data frame, a mapping of columns, a list of rows as mappings, or a file.

        Columns that the model does not know are passed over. Raises DataError when one is missing or a cell cannot be read.
        """
        table = as_table(raw)
        self.check_columns(table)
        slots = [_encoded(table[column.name], column) for column in self.columns]
        return torch.from_numpy(np.concatenate(slots, axis=1).astype(np.float32))

    def check_columns(self, table: pa.Table) -> None:
        """Raises DataError when the table lacks one of the columns."""
        lacking = [column.name for column in self.columns if column.name not in table.column_names]
        if lacking:
            raise DataError(
                f"the table has no column {', '.join(map(repr, lacking))}, which the model was trained on",
                hint=nearest(lacking[0], table.column_names),
            )

    def to_json(self) -> dict[str, Any]:
        columns = [
            {
                "name": column.name,
                "kind": column.kind.value,
                "date_format": column.date_format,
                "categories": list(column.categories),
            }
            for column in self.columns
        ]
        return {"kind": "table", "columns": columns}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "TableSchema":
        return cls(
            tuple(
                Column(item["name"], ColumnKind(item["kind"]), item["date_format"], tuple(item["categories"]))
                for item in values["columns"]
            )
        )


def fit_schema(train: pa.Table, columns: Sequence[Column]) -> TableSchema:
    """``train``: cleaned. Adds the categories, the most frequent first."""
    return TableSchema(tuple(_with_categories(column, train[column.name]) for column in columns))


class TableFeatures(nn.Module):
    """float32 (B, F) slots in, float32 (B, D) out.

    Numbers come first: NaN becomes the median, then mean 0 and deviation 1; after them a flag for each that has gaps in
    training; then the categories, one-hot, with a place for "missing". A category never seen is zero everywhere.
    """

    median: Tensor
    mean: Tensor
    inverse_std: Tensor
    number_slots: Tensor
    flag_slots: Tensor
    hot_slots: Tensor
    hot_codes: Tensor

    def __init__(
        self,
        median: Tensor,
        mean: Tensor,
        std: Tensor,
        *,
        numbers: list[int],
        flags: list[int],
        hot: list[tuple[int, int]],
    ) -> None:
        """median, mean, std: a value a number slot. numbers, flags: slots. hot: (slot, code) of each one-hot output."""
        super().__init__()
        self.register_buffer("median", median.float())
        self.register_buffer("mean", mean.float())
        self.register_buffer("inverse_std", torch.where(std > 0, 1 / std, torch.zeros_like(std)).float())
        self.register_buffer("number_slots", torch.tensor(numbers, dtype=torch.int64))
        self.register_buffer("flag_slots", torch.tensor(flags, dtype=torch.int64))
        self.register_buffer("hot_slots", torch.tensor([slot for slot, _ in hot], dtype=torch.int64))
        self.register_buffer("hot_codes", torch.tensor([code for _, code in hot], dtype=torch.float32))

    def forward(self, raw: Tensor) -> Tensor:
        slots = raw.to(torch.float32)
        numbers = slots.index_select(1, self.number_slots)
        filled = torch.where(torch.isnan(numbers), self.median, numbers)
        standardised = ((filled - self.mean) * self.inverse_std).clamp(-_CLIP, _CLIP)
        flags = torch.isnan(slots.index_select(1, self.flag_slots)).to(torch.float32)
        hot = (slots.index_select(1, self.hot_slots) == self.hot_codes).to(torch.float32)
        return torch.cat([standardised, flags, hot], dim=1)


def fit_features(schema: TableSchema, encoded_NF: Tensor) -> TableFeatures:
    """``encoded_NF``: the training split as the schema encodes it."""
    numbers: list[int] = []
    hot: list[tuple[int, int]] = []
    for column, slot in schema.places:
        if column.kind is ColumnKind.CATEGORY:
            hot += [(slot, code) for code in (*range(len(column.categories)), MISSING)]
        else:
            numbers += range(slot, slot + _width(column))
    values = encoded_NF.numpy().astype(np.float64)[:, numbers]
    missing = np.isnan(values)
    median = np.array([np.median(values[~gap, place]) if not gap.all() else 0.0 for place, gap in enumerate(missing.T)])
    filled = np.where(missing, median, values)
    return TableFeatures(
        torch.from_numpy(median),
        torch.from_numpy(filled.mean(axis=0)),
        torch.from_numpy(filled.std(axis=0)),
        numbers=numbers,
        flags=_flags(schema, encoded_NF),
        hot=hot,
    )


def _flags(schema: TableSchema, encoded_NF: Tensor) -> list[int]:
    """The first slot of each number or date that has gaps: a date's slots are missing together."""
    return [
        slot
        for column, slot in schema.places
        if column.kind is not ColumnKind.CATEGORY and bool(torch.isnan(encoded_NF[:, slot]).any())
    ]


def _width(column: Column) -> int:
    return _DATE_SLOTS if column.kind is ColumnKind.DATE else 1


def _with_categories(column: Column, values: pa.ChunkedArray) -> Column:
    if column.kind is not ColumnKind.CATEGORY:
        return column
    counted = [(item["counts"], item["values"]) for item in pc.value_counts(values.drop_null()).to_pylist()]
    frequent = sorted(counted, key=lambda pair: (-pair[0], pair[1]))[:MOST_CATEGORIES]
    return replace(column, categories=tuple(name for _, name in frequent))


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
