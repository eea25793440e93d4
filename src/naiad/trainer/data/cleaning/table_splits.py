"""Cleans the splits of a table, encodes them by the schema, and extracts the label as targets.

Shape legend: N rows.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from naiad.errors import DataError
from naiad.trainer.data.cleaning.cleaned_split import CleanedSplit
from naiad.trainer.data.cleaning.digests import digest_samples
from naiad.trainer.data.cleaning.tables import choose_columns, clean_table
from naiad.trainer.data.dataset import InputSchema, TensorSamples
from naiad.trainer.data.features.table import TableSchema, fit_table_schema
from naiad.trainer.data.findings import Findings
from naiad.trainer.data.sources.raw_data import RawData


def clean_table_splits(
    raw: RawData, schema: InputSchema | None
) -> tuple[dict[str, CleanedSplit], InputSchema, Findings]:
    """Returns the splits, the schema and what was found.

    schema: that of a trained model; None chooses the columns from the training split. Raises DataError.
    """
    if isinstance(schema, TableSchema):
        columns, findings = schema.columns, Findings()
        for split in raw.splits.values():
            schema.check_columns(split.inputs)
    else:
        columns, findings = choose_columns(raw.splits["train"].inputs, label=raw.label)
    tables: dict[str, pa.Table] = {}
    for name, split in raw.splits.items():
        tables[name], table_findings = clean_table(
            split.inputs, columns, label=raw.label, split=name, names=split.names
        )
        findings += table_findings
    if not isinstance(schema, TableSchema):
        schema = fit_table_schema(tables["train"], columns)
    splits = {}
    for name, table in tables.items():
        values = schema.encode(table)
        targets = extract_targets(table, raw.label)
        splits[name] = CleanedSplit(TensorSamples(values), targets, raw.splits[name].names, digest_samples(values))
    return splits, schema, findings


def extract_targets(table: pa.Table, label: str | None) -> npt.NDArray[Any] | None:
    """Returns the label column as (N,): numbers with gaps as floats with NaN, other gaps as None.

    Returns None where the table has no such column. Raises DataError where it holds neither classes nor numbers.
    """
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
        raise DataError(
            f"the label column {label!r} holds {kind}, which is neither a class nor a number",
            hint="name another column with label=",
        )
    return np.array(column.to_pylist(), dtype=object)
