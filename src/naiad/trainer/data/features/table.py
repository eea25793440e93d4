"""Tables as a program takes them: float32 (N, F) slots, filled, standardised and spread out inside the program.

A number is one slot, NaN where it is missing. A category is one slot that holds its code. A date is seven slots.
Shape legend: N rows, B batch, F slots, D network inputs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor, nn

from naiad.trainer.data.columns import Column, ColumnKind
from naiad.trainer.data.slots import MISSING, check_columns, slots_of, width
from naiad.trainer.data.sources.table import as_table

MOST_CATEGORIES = 64
"""Rarer categories of a column are treated as one that was never seen."""
_CLIP = 10.0
"""Standardised values end here, so that one wild cell does not rule a step."""


@dataclass(frozen=True)
class TableSchema:
    """columns: the inputs, in the order of their slots."""

    columns: tuple[Column, ...]

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return (sum(width(column) for column in self.columns),)

    @property
    def places(self) -> tuple[tuple[Column, int], ...]:
        """Each column with its first slot."""
        ends = accumulate(map(width, self.columns), initial=0)
        return tuple(zip(self.columns, ends, strict=False))

    @property
    def dtype(self) -> torch.dtype:
        return torch.float32

    def encode(self, raw: Any) -> Tensor:
        """float32 (N, F) from a table, a data frame, a mapping of columns, a list of rows as mappings, or a file.

        Columns that the model does not know are passed over. Raises DataError when one is missing or a cell cannot be read.
        """
        return torch.from_numpy(slots_of(as_table(raw), self.columns))

    def check_columns(self, table: pa.Table) -> None:
        """Raises DataError when the table lacks one of the columns."""
        check_columns(table, self.columns)

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
            numbers += range(slot, slot + width(column))
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


def _with_categories(column: Column, values: pa.ChunkedArray) -> Column:
    if column.kind is not ColumnKind.CATEGORY:
        return column
    counted = [(item["counts"], item["values"]) for item in pc.value_counts(values.drop_null()).to_pylist()]
    frequent = sorted(counted, key=lambda pair: (-pair[0], pair[1]))[:MOST_CATEGORIES]
    return replace(column, categories=tuple(name for _, name in frequent))
