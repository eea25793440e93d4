"""The splits of a table: cleaned, encoded by the schema, and with the label taken out as targets."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from naiad.errors import DataError
from naiad.trainer.data.cleaning.checked import CheckedSplit, digests_of
from naiad.trainer.data.cleaning.tables import choose_columns, clean_table
from naiad.trainer.data.dataset import InputSchema, TensorSamples
from naiad.trainer.data.features.table import TableSchema, fit_schema
from naiad.trainer.data.findings import Findings
from naiad.trainer.data.sources.raw_data import RawData


def clean_table_splits(
    raw: RawData, schema: InputSchema | None
) -> tuple[dict[str, CheckedSplit], InputSchema, Findings]:
    """``schema``: of a trained model, whose columns are then used. Raises DataError."""
    if isinstance(schema, TableSchema):
        columns, findings = schema.columns, Findings()
        for part in raw.splits.values():
            schema.check_columns(part.inputs)
    else:
        columns, findings = choose_columns(raw.splits["train"].inputs, label=raw.label)
    tables: dict[str, pa.Table] = {}
    for split, part in raw.splits.items():
        tables[split], found = clean_table(part.inputs, columns, label=raw.label, split=split, names=part.names)
        findings += found
    if not isinstance(schema, TableSchema):
        schema = fit_schema(tables["train"], columns)
    splits = {}
    for split, table in tables.items():
        values = schema.encode(table)
        targets = label_column(table, raw.label)
        splits[split] = CheckedSplit(TensorSamples(values), targets, raw.splits[split].names, digests_of(values))
    return splits, schema, findings


def label_column(table: pa.Table, label: str | None) -> npt.NDArray[Any] | None:
    """(N,), None where a row has no label; numbers with gaps are floats with NaN."""
    if label is None or label not in table.column_names:
        return None
    column = table[label]
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return np.asarray(column.to_numpy())
    if pa.types.is_decimal(kind):
        return np.asarray(column.cast(pa.float64()).to_numpy())
    if pa.types.is_boolean(kind) and not column.null_count:
        return np.array(column.to_pylist(), dtype=bool)
    if pa.types.is_temporal(kind) or pa.types.is_nested(kind):
        raise DataError(f"the label column {label!r} holds {kind}, which is neither a class nor a number")
    return np.array(column.to_pylist(), dtype=object)
