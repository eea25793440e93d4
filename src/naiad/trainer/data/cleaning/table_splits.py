"""The splits of a table: cleaned, encoded by the schema, and with the label taken out as targets."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from naiad.errors import DataError
from naiad.trainer.data.cleaning.checked import CheckedSplit, digests_of
from naiad.trainer.data.cleaning.tables import clean_table
from naiad.trainer.data.dataset import InputSchema, TensorSamples
from naiad.trainer.data.features.table import fit_schema
from naiad.trainer.data.findings import Findings
from naiad.trainer.data.sources.raw import RawData, RawSplit


def clean_table_splits(
    raw: RawData, schema: InputSchema | None
) -> tuple[dict[str, CheckedSplit], InputSchema, Findings]:
    """Raises DataError. With the ``schema`` of a trained model the tables are only encoded: nothing is left out."""
    tables = {split: part.inputs for split, part in raw.splits.items()}
    findings = Findings()
    if schema is None:
        others = {split: table for split, table in tables.items() if split != "train"}
        tables, findings = clean_table(tables["train"], others, label=raw.label)
        schema = fit_schema(tables["train"], raw.label)
    gone = {(item.split, item.name) for item in findings.quarantine}
    splits = {
        split: _checked(table, raw.splits[split], raw.label, schema, {name for where, name in gone if where == split})
        for split, table in tables.items()
    }
    return splits, schema, findings


def _checked(table: pa.Table, part: RawSplit, label: str | None, schema: InputSchema, gone: set[str]) -> CheckedSplit:
    names = [name for name in part.names if name not in gone]
    if len(names) != table.num_rows:
        names = [f"row {index}" for index in range(table.num_rows)]
    values = schema.encode(table)
    return CheckedSplit(TensorSamples(values), label_column(table, label), names, digests_of(values))


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
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return np.array(column.to_pylist(), dtype=object)
    if pa.types.is_temporal(kind) or pa.types.is_nested(kind):
        raise DataError(f"the label column {label!r} holds {kind}, which is neither a class nor a number")
    return np.array(column.to_pylist(), dtype=object)
