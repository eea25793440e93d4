"""Cleans the splits of a table, encodes them by the schema, and extracts the label as targets.

Shape legend: N rows.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from naiad.errors import DataError
from naiad.trainer.data.cleaning.cleaned_split import CleanedSplit
from naiad.trainer.data.cleaning.digests import digest_samples
from naiad.trainer.data.cleaning.label_column import infer_label
from naiad.trainer.data.cleaning.tables import choose_columns, clean_table
from naiad.trainer.data.dataset import InputSchema, TensorSamples
from naiad.trainer.data.features.table import MAX_CATEGORIES, MAX_INPUTS, TableSchema, fit_table_schema
from naiad.trainer.data.findings import Action, Findings, make_findings
from naiad.trainer.data.sources.raw_data import RawData

_LARGEST_EXACT = 2**53
"""Whole numbers up to here are different as float64."""


def clean_table_splits(
    raw: RawData, schema: InputSchema | None
) -> tuple[dict[str, CleanedSplit], InputSchema, Findings]:
    """Returns the splits, the schema and what was found.

    schema: that of a trained model; None chooses the columns from the training split. Raises DataError.
    """
    inputs: dict[str, pa.Table] = {name: split.inputs for name, split in raw.splits.items()}
    is_trained = isinstance(schema, TableSchema)
    if isinstance(schema, TableSchema):
        findings = Findings()
        inputs = {name: schema.rename_columns(table) for name, table in inputs.items()}
    else:
        schema, findings = _infer_schema(raw)
    tables: dict[str, pa.Table] = {}
    for name in sorted(inputs, key=lambda name: name != "train"):
        row_names = raw.splits[name].names
        tables[name], table_findings = clean_table(
            inputs[name], schema.columns, label=raw.label, split=name, names=row_names, label_column=schema.label
        )
        findings += table_findings
        if name == "train" and not is_trained:  # the cells of the other splits are checked by its categories
            schema = fit_table_schema(tables["train"], schema.columns, label=schema.label)
    if not is_trained:
        findings += report_many_categories(schema, are_scored=raw.label is not None)
    splits = {}
    for name in inputs:
        values = schema.encode(tables[name])
        targets = extract_targets(tables[name], raw.label)
        splits[name] = CleanedSplit(TensorSamples(values), targets, raw.splits[name].names, digest_samples(values))
    pa.default_memory_pool().release_unused()
    return splits, schema, findings


def _infer_schema(raw: RawData) -> tuple[TableSchema, Findings]:
    """Returns the columns of the training split, without their categories, and what was found."""
    train: pa.Table = raw.splits["train"].inputs
    columns, findings = choose_columns(train, label=raw.label, types=raw.types)
    if raw.label is None:
        return TableSchema(columns), findings
    label_column, label_findings = infer_label(train, raw.label, raw.types)
    return TableSchema(columns, label_column), findings + label_findings


def report_many_categories(schema: TableSchema, *, are_scored: bool) -> Findings:
    """are_scored: whether there are labels that give each category a statistic."""
    findings = Findings()
    for column, _ in schema.many_categories:
        count = f"{len(column.categories):,}" + (" and more" if len(column.categories) == MAX_CATEGORIES else "")
        rest = (
            "and each has the label's mean over its rows in other folds"
            if are_scored
            else "and the others are taken together, as there is no label"
        )
        message = (
            f"column {column.name!r} has {count} categories: the {MAX_INPUTS} most frequent have an input each, {rest}"
        )
        findings += make_findings("many-categories", "train", [column.name], Action.REPORTED, message)
    return findings


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
    if pa.types.is_integer(kind) and column.null_count and (pc.max(column).as_py() or 0) > _LARGEST_EXACT:
        return np.array(column.to_pylist(), dtype=object)  # identifiers of classes, which floats would mix up
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return np.asarray(column.to_numpy())
    if pa.types.is_decimal(kind):
        return np.asarray(column.cast(pa.float64()).to_numpy())
    if pa.types.is_boolean(kind) and not column.null_count:
        return np.array(column.to_pylist(), dtype=bool)
    if pa.types.is_nested(kind):
        raise DataError(
            f"the label column {label!r} holds {kind}, which is neither a class nor a number",
            hint="name another column with label=",
        )
    return np.array(column.to_pylist(), dtype=object)
