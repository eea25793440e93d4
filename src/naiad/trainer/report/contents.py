"""The text of the report, as rows: metrics, comparison, classes, columns, findings, layers, versions.

Knows models and data; knows nothing of figures or HTML. Where something is missing, the list is empty.
Shape legend: N samples, F columns.
"""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from naiad.trainer.artifact.program import Program
from naiad.trainer.data.columns import Column, ColumnKind
from naiad.trainer.data.dataset import Dataset, Split
from naiad.trainer.data.features.table import TableSchema
from naiad.trainer.data.findings import Findings
from naiad.trainer.data.table_encoding import MISSING_CODE
from naiad.trainer.machine import versions
from naiad.trainer.model.model import Model

_LABELS = {
    "accuracy": "accuracy",
    "f1_macro": "F1, mean of the classes",
    "top5_accuracy": "among the five highest",
    "r2": "R²",
    "mae": "mean absolute error",
    "rmse": "root mean squared error",
    "nmi": "normalised mutual information",
    "ari": "adjusted Rand index",
    "silhouette": "silhouette",
    "loss": "loss",
}
_PERCENTAGES = frozenset({"accuracy", "top5_accuracy"})
_AT_MOST_ONE = _PERCENTAGES | {"f1_macro", "r2", "nmi", "ari", "silhouette"}
MAX_COLUMNS = 60
MAX_LAYERS = 200
_SUMMARY_SAMPLES = 20_000
_EPOCH_DAY = date(1970, 1, 1)
_NONE = "–"


@dataclass(frozen=True)
class MetricCard:
    label: str
    value: str


@dataclass(frozen=True)
class ComparisonRow:
    """One method's value of one metric."""

    name: str
    label: str
    value: str
    bar_percent: float | None
    """The filled part of the bar; None has no bar."""
    is_model: bool = False
    """Whether the row is the model's; the others are the baseline's."""


class ClassRow(NamedTuple):
    name: str
    precision: str
    recall: str
    f1: str
    samples: str


class SplitRow(NamedTuple):
    split: str
    samples: str
    samples_per_class: str


class ColumnRow(NamedTuple):
    """Statistics of one column in the training split."""

    name: str
    kind: str
    mean: str
    deviation: str
    lowest: str
    highest: str
    missing: str


class FindingRow(NamedTuple):
    kind: str
    split: str
    affected: str
    action: str
    message: str
    examples: str


class LayerRow(NamedTuple):
    name: str
    description: str
    parameters: str


def metric_label(name: str) -> str:
    return _LABELS.get(name, name)


def metric_text(name: str, value: float | None) -> str:
    if value is None:
        return _NONE
    if name in _PERCENTAGES:
        return f"{100 * value:.2f} %"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"


def metric_cards(evaluation: Mapping[str, Any]) -> list[MetricCard]:
    """The main metric first, then the other metrics and the loss. evaluation: ``Evaluation.to_json()``."""
    numbers = dict(evaluation.get("metrics", {})) | {"loss": evaluation.get("loss")}
    main = evaluation.get("headline", {}).get("metric")
    ordered = sorted(numbers, key=lambda name: name != main)
    return [MetricCard(metric_label(name), metric_text(name, numbers[name])) for name in ordered]


def comparison_rows(model: Model, evaluation: Mapping[str, Any]) -> list[ComparisonRow]:
    """The model's row and then the baseline's, for each metric that the baseline has."""
    baseline = model.baseline.get("rows", [])
    numbers = evaluation.get("metrics", {})
    metrics = [name for name in dict.fromkeys(row["metric"] for row in baseline) if name in numbers]
    rows = []
    for metric in metrics:
        rows.append(_comparison_row(model.network.name, metric, numbers[metric], is_model=True))
        others = [_comparison_row(row["name"], metric, row["value"]) for row in baseline if row["metric"] == metric]
        rows += reversed(others)  # the baseline's best method is its last
    return rows


def _comparison_row(name: str, metric: str, value: float | None, *, is_model: bool = False) -> ComparisonRow:
    percent = min(100.0, max(0.0, 100.0 * value)) if value is not None and metric in _AT_MOST_ONE else None
    return ComparisonRow(name, metric_label(metric), metric_text(metric, value), percent, is_model)


def class_rows(evaluation: Mapping[str, Any]) -> list[ClassRow]:
    """One row a class, in the order of the classes."""
    return [
        ClassRow(
            row["name"],
            f"{row['precision']:.3f}",
            f"{row['recall']:.3f}",
            f"{row['f1']:.3f}",
            f"{row['support']:,}",
        )
        for row in evaluation.get("per_class", [])
    ]


def split_rows(dataset: Dataset) -> list[SplitRow]:
    splits = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    return [
        SplitRow(name, f"{len(split):,}", _class_sizes(split, dataset))
        for name, split in splits.items()
        if split is not None
    ]


def _class_sizes(split: Split, dataset: Dataset) -> str:
    """The smallest and the largest number of samples of a class."""
    if split.targets is None or not dataset.classes or not len(split):
        return _NONE
    counts = torch.bincount(split.targets.long().clamp(min=0), minlength=len(dataset.classes))
    low, high = int(counts.min()), int(counts.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def column_rows(dataset: Dataset) -> list[ColumnRow]:
    """Columns of the training split; none for samples that are not a row of numbers."""
    if dataset.train.samples.dtype == torch.uint8 or len(dataset.train.samples.sample_shape) != 1:
        return []
    indices = torch.arange(min(len(dataset.train), _SUMMARY_SAMPLES))
    values_NF = dataset.train.samples.take(indices).double()
    if isinstance(dataset.schema, TableSchema):
        offsets = dataset.schema.column_offsets[:MAX_COLUMNS]
        return [_table_column_row(column, values_NF[:, offset]) for column, offset in offsets]
    columns = values_NF[:, :MAX_COLUMNS].unbind(1)
    return [_number_row(f"column {index}", column_N) for index, column_N in enumerate(columns)]


def _table_column_row(column: Column, values_N: Tensor) -> ColumnRow:
    """values_N: the column's first encoded value: a number, a category's code, or days since 1970."""
    if column.kind is ColumnKind.NUMBER:
        return _number_row(column.name, values_N)
    if column.kind is ColumnKind.CATEGORY:
        kind = f"{len(column.categories)} categories"
        return ColumnRow(column.name, kind, _NONE, _NONE, _NONE, _NONE, _percentage(values_N == MISSING_CODE))
    return _date_row(column.name, values_N)


def _date_row(name: str, days_N: Tensor) -> ColumnRow:
    known = days_N[days_N.isfinite()]
    first, last = _NONE, _NONE
    if len(known):
        first, last = (str(_EPOCH_DAY + timedelta(days=float(day))) for day in (known.min(), known.max()))
    return ColumnRow(name, "date", _NONE, _NONE, first, last, _percentage(days_N.isnan()))


def _number_row(name: str, values_N: Tensor) -> ColumnRow:
    known = values_N[values_N.isfinite()]
    missing = _percentage(~values_N.isfinite())
    if not len(known):
        return ColumnRow(name, "number", _NONE, _NONE, _NONE, _NONE, missing)
    numbers = (known.mean(), known.std(correction=0), known.min(), known.max())
    mean, std, low, high = (f"{float(number):.4g}" for number in numbers)
    return ColumnRow(name, "number", mean, std, low, high, missing)


def _percentage(mask_N: Tensor) -> str:
    return f"{100 * float(mask_N.double().mean()):.1f} %"


def finding_rows(findings: Findings) -> list[FindingRow]:
    return [
        FindingRow(item.kind, item.split, f"{item.count:,}", item.action.value, item.message, ", ".join(item.examples))
        for item in findings.items
    ]


def network(program: nn.Module) -> nn.Module:
    """The network inside a program. An exported program is returned whole."""
    return program.net if isinstance(program, Program) else program


def layer_rows(program: nn.Module) -> list[LayerRow]:
    """One row for each module without children."""
    leaves = [
        (name, module) for name, module in network(program).named_modules() if name and not list(module.children())
    ]
    return [
        LayerRow(name, _describe_module(module), f"{parameter_count(module):,}") for name, module in leaves[:MAX_LAYERS]
    ]


def parameter_count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _describe_module(module: nn.Module) -> str:
    details = module.extra_repr()
    return f"{type(module).__name__}({details})" if len(details) <= 80 else type(module).__name__


def version_rows() -> list[tuple[str, str]]:
    """Name and version of each library, and the system."""
    return [*versions.library_versions().items(), ("system", f"{platform.system()} {platform.machine()}")]
