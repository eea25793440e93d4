"""Arrays whose columns have names: each split in the order of the training split, or of a trained model.

Shape legend: N samples, F features.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from naiad.errors import DataError, did_you_mean
from naiad.trainer.data.cleaning.label_column import read_label
from naiad.trainer.data.cleaning.table_splits import extract_targets
from naiad.trainer.data.dataset import InputSchema
from naiad.trainer.data.features.array import ArraySchema
from naiad.trainer.data.sources.frame_pair import table_to_array
from naiad.trainer.data.sources.raw_data import InputKind, RawData, RawSplit


def align_columns(raw: RawData, schema: InputSchema | None) -> RawData:
    """Returns the data with named columns in one order. schema: that of a trained model.

    Raises DataError where a column is missing, or where the model takes arrays without names and gets a table.
    """
    if isinstance(schema, ArraySchema) and raw.kind is InputKind.TABLE:
        splits = {name: _table_to_array_split(split, raw.label, schema) for name, split in raw.splits.items()}
        return replace(raw, kind=InputKind.ARRAYS, splits=splits, label=None)
    if raw.kind is not InputKind.ARRAYS:
        return raw
    wanted = schema.columns if isinstance(schema, ArraySchema) else raw.splits["train"].column_names
    return replace(raw, splits={name: _in_order(split, wanted, name) for name, split in raw.splits.items()})


def _in_order(split: RawSplit, wanted: Sequence[str], name: str) -> RawSplit:
    given = split.column_names
    if not given or not wanted or given == tuple(wanted):
        return split
    missing = [column for column in wanted if column not in given]
    if missing:
        raise DataError(f"{name} has no column {missing[0]!r}, which train has", hint=did_you_mean(missing[0], given))
    order = torch.tensor([given.index(column) for column in wanted])
    return replace(split, inputs=split.inputs.index_select(1, order), column_names=tuple(wanted))


def _table_to_array_split(split: RawSplit, label: str | None, schema: ArraySchema) -> RawSplit:
    if not schema.columns:
        raise DataError(
            f"a table was given, but the model was trained on arrays of shape {schema.shape}, whose columns have no names",
            hint="give arrays (X, y)",
        )
    values = torch.from_numpy(table_to_array(split.inputs, schema.columns).astype(np.float32))
    targets = None
    if label is not None and label in split.inputs.column_names:
        labels = split.inputs.select([label])
        labels = labels.set_column(0, label, read_label(labels[label], None))
        targets = extract_targets(labels, label)
    return RawSplit(values, targets, split.names, schema.shape, schema.columns)
