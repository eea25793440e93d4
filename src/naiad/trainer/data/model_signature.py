"""Prepares data for a model that is trained already: to test it, or to compare with it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy.typing as npt

from naiad.errors import DataError, explain_errors
from naiad.trainer.data.cleaning.clean import clean
from naiad.trainer.data.cleaning.image_tables import replace_image_paths
from naiad.trainer.data.dataset import InputSchema, Split, Task
from naiad.trainer.data.features.array import ArraySchema
from naiad.trainer.data.features.image import ImageSchema
from naiad.trainer.data.features.table import TableSchema
from naiad.trainer.data.features.tokens import TokenSchema
from naiad.trainer.data.findings import Action, Findings
from naiad.trainer.data.labels import TargetSchema, encode_targets, infer_target_schema
from naiad.trainer.data.layout import InputLayout, Layout
from naiad.trainer.data.sources.arrays import apply_layout
from naiad.trainer.data.sources.containers import has_item_part
from naiad.trainer.data.sources.open import default_memory_limit_bytes, open_source
from naiad.trainer.data.sources.raw_data import InputKind, RawData, check_label
from naiad.trainer.data.sources.split_classes import name_indices, name_one_hot
from naiad.trainer.data.sources.table import is_tabular
from naiad.trainer.data.sources.table_options import TableOptions


@dataclass(frozen=True)
class ModelSignature:
    """Inputs and targets that a trained model takes."""

    task: Task
    schema: InputSchema
    classes: tuple[str, ...]
    target_name: str


@explain_errors(DataError, "the data cannot be read")
def prepare_split(
    data: Any, signature: ModelSignature, *, split: str = "test", label: str | None = None
) -> tuple[Split, Findings]:
    """Returns ``split`` of ``data`` for a trained model, and what cleaning repaired or quarantined in it. Raises DataError.

    Data without splits is taken whole.
    """
    limit_bytes = default_memory_limit_bytes()
    given_label, label = label, _choose_label(signature, label, data)
    raw = open_source(
        data,
        label=label,
        memory_limit_bytes=limit_bytes,
        table=_table_options(signature, label),
        known_classes=signature.classes,
    )
    check_label(raw, given_label)
    if isinstance(signature.schema, ImageSchema):
        raw = replace_image_paths(raw, always=True)
    raw = _lay_out_as_trained(raw, signature.schema)
    given = raw.get_split(split)
    is_named = signature.task is Task.CLASSIFICATION
    single = replace(raw, splits={"train": name_one_hot(given, signature.classes) if is_named else given})
    is_table = raw.kind is InputKind.TABLE
    if raw.label is None and is_table and signature.target_name in single.splits["train"].inputs.column_names:
        single = replace(single, label=signature.target_name)
    cleaned_data = clean(single, image_size=None, memory_limit_bytes=limit_bytes, schema=signature.schema)
    cleaned, findings = cleaned_data.splits["train"], _rename_split(cleaned_data.findings, split)
    if cleaned.targets is None:
        return cleaned.to_split(None), findings
    target_schema = _target_schema(signature, cleaned.targets, raw.classes)
    labels = _replace_indices(cleaned.targets, raw, target_schema)
    return cleaned.to_split(encode_targets(labels, target_schema, split=split)), findings


def _lay_out_as_trained(raw: RawData, schema: InputSchema) -> RawData:
    """Returns arrays in the layout that the model was trained on. Raises DataError for token ids that are none."""
    if isinstance(schema, TokenSchema):
        return apply_layout(raw, InputLayout(Layout.TOKENS))
    if isinstance(schema, ArraySchema) and schema.is_sequence:
        return apply_layout(raw, InputLayout(Layout.SEQUENCE))
    return raw


def _choose_label(signature: ModelSignature, label: str | None, data: Any) -> str | None:
    """Returns the column, or the part of an item, that the model was trained on, where the caller names none.

    Clustering needs none.
    """
    if label is not None or signature.task is Task.CLUSTERING:
        return label
    is_named = isinstance(signature.schema, TableSchema) or _holds_table(data) or _has_part(data, signature.target_name)
    return signature.target_name if is_named else None


def _holds_table(data: Any) -> bool:
    """Whether the data, or one of their splits, is a table."""
    return any(map(_holds_table, data.values())) if isinstance(data, Mapping) else is_tabular(data)


def _has_part(data: Any, name: str) -> bool:
    """Whether the data are, or one of their splits is, a Dataset whose items have a part of that name."""
    if isinstance(data, Mapping):
        return any(_has_part(split, name) for split in data.values())
    return has_item_part(data, name)


def _table_options(signature: ModelSignature, label: str | None) -> TableOptions:
    """Returns the text columns of the model's table; classes that were text stay text, words such as NA among them."""
    schema = signature.schema
    if not isinstance(schema, TableSchema):
        return TableOptions()
    text_columns = dict(schema.text_columns)
    if schema.label is not None and label is not None:
        text_columns[label] = frozenset(signature.classes)
    return TableOptions(text_columns=text_columns, pairs_are_tables=True)


def _target_schema(signature: ModelSignature, targets: npt.NDArray[Any], names: tuple[str, ...]) -> TargetSchema:
    if signature.task is Task.CLUSTERING:
        return infer_target_schema(targets, task=Task.CLUSTERING, names=names)
    return TargetSchema(signature.task, "", signature.classes, labels_are_indices=names == signature.classes)


def _replace_indices(targets: npt.NDArray[Any], raw: RawData, target_schema: TargetSchema) -> npt.NDArray[Any]:
    """Returns class names in place of indices into ``raw.classes``, where the model has other classes or another order."""
    if target_schema.labels_are_indices or not raw.classes:
        return targets
    return name_indices(targets, raw.classes)


def _rename_split(findings: Findings, split: str) -> Findings:
    """Replaces ``train``, as cleaning calls a single split, and drops what was only reported."""
    items = tuple(replace(item, split=split) for item in findings.items if item.action is not Action.REPORTED)
    return Findings(items, tuple(replace(entry, split=split) for entry in findings.quarantine))
