"""Columns of a table as they are read, for people: the type of each, in the words of ``types``, and what follows from it."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from naiad.trainer.data.column_types import TypeName
from naiad.trainer.data.columns import Column, ColumnKind
from naiad.trainer.data.features.table import MAX_INPUTS, TableSchema
from naiad.trainer.data.findings import Action, Findings

_UNUSED_KINDS = ("constant-column", "identifier-column", "ignored-column", "unusable-column")


@dataclass(frozen=True)
class ColumnInspection:
    """One column of the training split."""

    name: str
    role: str
    """``input``, ``label`` or ``not used``."""
    read_as: str
    """``number``, ``category`` or ``date``; for a label ``numbers`` or ``classes``; empty where the column is not used."""
    detail: str = ""
    """How its cells are read, or why it is not used."""


def inspect_columns(
    train: pa.Table, label: str | None, schema: TableSchema, findings: Findings
) -> list[ColumnInspection]:
    """Returns the columns in the order of the table. findings: those of the cleaning."""
    inputs = {column.name: column for column in schema.columns}
    reasons = dict(_reasons(findings))
    columns = []
    for name in train.column_names:
        if name == label:
            columns.append(_inspect_label(name, train[name].type, schema.label))
        elif name in inputs:
            columns.append(ColumnInspection(name, "input", str(inputs[name].kind), _describe(inputs[name])))
        else:
            columns.append(ColumnInspection(name, "not used", "", reasons.get(name, "")))
    return columns


def _reasons(findings: Findings) -> Iterator[tuple[str, str]]:
    """Yields the names of columns that are not used, each with the reason."""
    for item in findings.items:
        if item.kind in _UNUSED_KINDS and item.action is Action.QUARANTINED:
            yield item.examples[0].removeprefix("column "), item.message.partition("is not used: ")[2]


def _inspect_label(name: str, kind: pa.DataType, column: Column | None) -> ColumnInspection:
    if column is None:
        return ColumnInspection(name, "label", str(kind), "as it comes")
    read_as = TypeName.NUMBER if column.kind is ColumnKind.NUMBER else TypeName.CATEGORY
    return ColumnInspection(name, "label", str(read_as), _describe(column))


def _describe(column: Column) -> str:
    if column.number_format is not None:
        return f"written as {column.number_format}"
    if column.offset:
        return f"less {column.offset:,.10g}, so that float32 keeps their differences"
    if column.date_format is not None:
        return f"written as {column.date_format}"
    if column.kind is not ColumnKind.CATEGORY or not column.categories:
        return ""
    count = len(column.categories)
    listed = ", ".join(column.categories[:3]) + (", …" if count > 3 else "")
    scored = f", of which {MAX_INPUTS} have an input each" if count > MAX_INPUTS else ""
    return f"{count:,} categories{scored}: {listed}"
