"""Encodes tables as float32 (N, F), and fills, standardises and one-hot encodes them inside the exported program.

Shape legend: N rows, B batch, F features as ``table_encoding`` makes them, D network inputs.
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
from naiad.trainer.data.features.target_statistics import (
    CategoryColumn,
    StatisticTargets,
    TargetStatistics,
    fit_target_statistics,
)
from naiad.trainer.data.float32 import is_lossy_range
from naiad.trainer.data.sources.csv_file import TextColumns
from naiad.trainer.data.sources.table import as_table
from naiad.trainer.data.table_encoding import MISSING_CODE, check_columns, encode_table, encoded_width

MAX_INPUTS = 64
"""Categories of a column that have an input each: the most frequent ones."""
MAX_CATEGORIES = 50_000
"""Rarer categories of a column are treated as unknown."""
_MAX_DEVIATIONS = 10.0
"""Standardised values are clipped here, so that one extreme cell does not dominate a step."""


@dataclass(frozen=True)
class TableSchema:
    """Columns of a table that the network takes."""

    columns: tuple[Column, ...]
    """Columns in the order of their features."""
    label: Column | None = None
    """How the label's cells are read from text; None where they are read as they come."""

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return (sum(encoded_width(column) for column in self.columns),)

    @property
    def column_offsets(self) -> tuple[tuple[Column, int], ...]:
        """Each column with the index of its first feature."""
        offsets = accumulate(map(encoded_width, self.columns), initial=0)
        return tuple(zip(self.columns, offsets, strict=False))

    @property
    def dtype(self) -> torch.dtype:
        return torch.float32

    def encode(self, raw: Any) -> Tensor:
        """Returns float32 (N, F) for a table, a data frame, a mapping of columns, a list of rows as mappings, or a file.

        Other columns are ignored. Raises DataError where a column is missing or a cell cannot be read.
        """
        table = as_table(raw, self.text_columns, keep=[column.name for column in self.columns])
        return torch.from_numpy(encode_table(table, self.columns))

    @property
    def text_columns(self) -> TextColumns:
        """Columns that a CSV file is to give as text: those whose cells are read in a way of their own."""
        columns = (*self.columns, *(() if self.label is None else (self.label,)))
        return {
            column.name.strip(): frozenset(column.categories)
            for column in columns
            if column.kind is ColumnKind.CATEGORY or column.number_format is not None or column.date_format is not None
        }

    @property
    def many_categories(self) -> list[tuple[Column, CategoryColumn]]:
        """Columns with more categories than inputs."""
        return [
            (column, CategoryColumn(slot, len(column.categories)))
            for column, slot in self.column_offsets
            if len(column.categories) > MAX_INPUTS
        ]

    def rename_columns(self, table: pa.Table) -> pa.Table:
        """Returns the table with its columns named as the schema names them. Raises DataError where it lacks one of them."""
        names = zip(check_columns(table, self.columns), self.columns, strict=True)
        renamed = {given: column.name for given, column in names if given != column.name}
        return table.rename_columns([renamed.get(name, name) for name in table.column_names]) if renamed else table

    def to_json(self) -> dict[str, Any]:
        columns = [column.to_json() for column in self.columns]
        return {"kind": "table", "columns": columns, "label": None if self.label is None else self.label.to_json()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "TableSchema":
        label = values.get("label")
        return cls(tuple(map(Column.from_json, values["columns"])), None if label is None else Column.from_json(label))


def fit_table_schema(train: pa.Table, columns: Sequence[Column], *, label: Column | None = None) -> TableSchema:
    """Returns the schema of the cleaned training split; each column's categories are listed by frequency."""
    return TableSchema(tuple(_fit_column(column, train[column.name]) for column in columns), label)


class TableFeatures(nn.Module):
    """float32 (B, F) in, float32 (B, D) out.

    Numbers and dates come first: NaN becomes the median, then mean 0 and deviation 1. Next come flags that say which were
    missing, for columns with missing cells in training. Then come the most frequent categories, one-hot, with an input for
    "missing"; another category is zero in all of them. Last come the statistics of columns with more categories than inputs.

    A slot is the index of a feature. The buffers' names are stored in artifacts.
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
        statistics: TargetStatistics | None = None,
    ) -> None:
        """median, mean, std: one value a number. numbers, flags: slots. hot: (slot, code) of each one-hot input."""
        super().__init__()
        self.statistics = statistics
        self.register_buffer("median", median.float())
        self.register_buffer("mean", mean.float())
        self.register_buffer("inverse_std", torch.where(std > 0, 1 / std, torch.zeros_like(std)).float())
        self.register_buffer("number_slots", torch.tensor(numbers, dtype=torch.int64))
        self.register_buffer("flag_slots", torch.tensor(flags, dtype=torch.int64))
        self.register_buffer("hot_slots", torch.tensor([slot for slot, _ in hot], dtype=torch.int64))
        self.register_buffer("hot_codes", torch.tensor([code for _, code in hot], dtype=torch.float32))

    def forward(self, raw: Tensor) -> Tensor:
        features = raw.to(torch.float32)
        numbers = features.index_select(1, self.number_slots)
        filled = torch.where(torch.isnan(numbers), self.median, numbers)
        standardised = ((filled - self.mean) * self.inverse_std).clamp(-_MAX_DEVIATIONS, _MAX_DEVIATIONS)
        flags = torch.isnan(features.index_select(1, self.flag_slots)).to(torch.float32)
        if self.statistics is None:
            hot = (features.index_select(1, self.hot_slots) == self.hot_codes).to(torch.float32)
            return torch.cat([standardised, flags, hot], dim=1)
        hot = (torch.floor(features.index_select(1, self.hot_slots)) == self.hot_codes).to(torch.float32)
        return torch.cat([standardised, flags, hot, self.statistics(features)], dim=1)


def fit_table_features(
    schema: TableSchema, encoded_NF: Tensor, targets: StatisticTargets | None = None
) -> TableFeatures:
    """Computes the statistics of the training split, as the schema encodes it (N, F).

    targets: where there are columns of many categories, whose folds ``assign_folds`` has set.
    """
    numbers: list[int] = []
    hot: list[tuple[int, int]] = []
    for column, slot in schema.column_offsets:
        if column.kind is ColumnKind.CATEGORY:
            hot += [(slot, code) for code in (*range(min(len(column.categories), MAX_INPUTS)), MISSING_CODE)]
        else:
            numbers += range(slot, slot + encoded_width(column))
    values = encoded_NF.numpy()[:, numbers].astype(np.float64)
    is_missing = np.isnan(values)
    median = np.array(
        [
            np.median(values[~missing, number]) if not missing.all() else 0.0
            for number, missing in enumerate(is_missing.T)
        ]
    )
    np.copyto(values, median, where=is_missing)
    many = [column for _, column in schema.many_categories]
    statistics = fit_target_statistics(many, encoded_NF, targets) if many and targets is not None else None
    return TableFeatures(
        torch.from_numpy(median),
        torch.from_numpy(values.mean(axis=0)),
        torch.from_numpy(values.std(axis=0)),
        numbers=numbers,
        flags=_missing_flags(schema, encoded_NF),
        hot=hot,
        statistics=statistics,
    )


def _missing_flags(schema: TableSchema, encoded_NF: Tensor) -> list[int]:
    """Returns the first slot of each number or date column with missing cells; all slots of a date are missing together."""
    return [
        slot
        for column, slot in schema.column_offsets
        if column.kind is not ColumnKind.CATEGORY and bool(torch.isnan(encoded_NF[:, slot]).any())
    ]


def _find_offset(values: pa.ChunkedArray) -> float:
    """Returns a number among the cells (N,) where float32 loses their differences, else 0."""
    bounds = pc.min_max(values).as_py()
    if bounds["min"] is None or not is_lossy_range(bounds["min"], bounds["max"], pc.stddev(values).as_py()):
        return 0.0
    return float(np.median(values.drop_null().to_numpy()))


def _fit_column(column: Column, values: pa.ChunkedArray) -> Column:
    """values: (N,) converted cells of the training split."""
    if column.kind is ColumnKind.NUMBER:
        return replace(column, offset=_find_offset(values))
    if column.kind is not ColumnKind.CATEGORY:
        return column
    counted = pc.value_counts(values.drop_null())
    order = pc.sort_indices(
        pa.table([counted.field("values"), counted.field("counts")], names=["values", "counts"]),
        sort_keys=[("counts", "descending"), ("values", "ascending")],
    )
    frequent = counted.field("values").take(order[:MAX_CATEGORIES])
    return replace(column, categories=tuple(frequent.to_pylist()))
