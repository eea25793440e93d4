"""What the report says, as rows of text: headline, comparison, classes, columns, findings, network, versions.

Knows models and data; knows nothing of figures or HTML. Whatever is missing gives an empty list.
"""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import torch
from torch import Tensor, nn

from naiad.trainer.artifact.program import Program
from naiad.trainer.data.columns import Column, ColumnKind
from naiad.trainer.data.dataset import Dataset, Split
from naiad.trainer.data.features.table import TableSchema
from naiad.trainer.data.findings import Findings
from naiad.trainer.data.slots import MISSING
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
_SHARES = frozenset({"accuracy", "top5_accuracy"})
_BOUNDED = _SHARES | {"f1_macro", "r2", "nmi", "ari", "silhouette"}
COLUMNS_SHOWN = 60
LAYERS_SHOWN = 200
_SUMMARY_SAMPLES = 20_000
_EPOCH_DAY = date(1970, 1, 1)


@dataclass(frozen=True)
class Tile:
    label: str
    value: str


@dataclass(frozen=True)
class Compared:
    """A row of the comparison. ``share`` is how much of its bar is filled, in percent; None is no bar."""

    name: str
    label: str
    value: str
    share: float | None
    ours: bool = False


def metric_label(name: str) -> str:
    return _LABELS.get(name, name)


def metric_text(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    if name in _SHARES:
        return f"{100 * value:.2f} %"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"


def tiles(evaluation: Mapping[str, Any]) -> list[Tile]:
    """The headline first, then the other metrics and the loss."""
    numbers = dict(evaluation.get("metrics", {})) | {"loss": evaluation.get("loss")}
    first = evaluation.get("headline", {}).get("metric")
    ordered = sorted(numbers, key=lambda name: name != first)
    return [Tile(metric_label(name), metric_text(name, numbers[name])) for name in ordered]


def forecast(model: Model) -> str:
    """What the plan expected beside what came of it; empty where it expected nothing."""
    found = model.evaluations.get("validation")
    if model.plan.forecast is None or found is None:
        return ""
    metric, reached = found["headline"]["metric"], found["headline"]["value"]
    shown = [metric_text(metric, value) for value in (model.plan.forecast, reached)]
    return f"Forecast before it began: {metric_label(metric)} {shown[0]} on the validation split. Reached: {shown[1]}."


def comparison(model: Model, evaluation: Mapping[str, Any]) -> list[Compared]:
    """This model's row for each metric that the baseline has, then the baseline's."""
    rows = model.baseline.get("rows", [])
    numbers = evaluation.get("metrics", {})
    metrics = [name for name in dict.fromkeys(row["metric"] for row in rows) if name in numbers]
    compared = []
    for metric in metrics:
        compared.append(_compared(model.network.name, metric, numbers[metric], ours=True))
        theirs = [_compared(row["name"], metric, row["value"]) for row in rows if row["metric"] == metric]
        compared += reversed(theirs)  # the baseline's best is its last
    return compared


def _compared(name: str, metric: str, value: float | None, *, ours: bool = False) -> Compared:
    share = min(100.0, max(0.0, 100.0 * value)) if value is not None and metric in _BOUNDED else None
    return Compared(name, metric_label(metric), metric_text(metric, value), share, ours)


def class_rows(evaluation: Mapping[str, Any]) -> list[tuple[str, str, str, str, str]]:
    """(class, precision, recall, F1, samples), in the order of the classes."""
    return [
        (row["name"], f"{row['precision']:.3f}", f"{row['recall']:.3f}", f"{row['f1']:.3f}", f"{row['support']:,}")
        for row in evaluation.get("per_class", [])
    ]


def split_rows(dataset: Dataset) -> list[tuple[str, str, str]]:
    """(split, samples, range of samples a class)."""
    splits = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    return [(name, f"{len(split):,}", _balance(split, dataset)) for name, split in splits.items() if split is not None]


def _balance(split: Split, dataset: Dataset) -> str:
    if split.targets is None or not dataset.classes or not len(split):
        return "–"
    counts = torch.bincount(split.targets.long().clamp(min=0), minlength=len(dataset.classes))
    low, high = int(counts.min()), int(counts.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def column_rows(dataset: Dataset) -> list[tuple[str, str, str, str, str, str, str]]:
    """(column, kind, mean, deviation, lowest, highest, missing) of the training split, for samples that are a row."""
    if dataset.train.samples.dtype == torch.uint8 or len(dataset.train.samples.sample_shape) != 1:
        return []
    indices = torch.arange(min(len(dataset.train), _SUMMARY_SAMPLES))
    values_NF = dataset.train.samples.take(indices).double()
    if isinstance(dataset.schema, TableSchema):
        return [_table_row(column, values_NF[:, slot]) for column, slot in dataset.schema.places[:COLUMNS_SHOWN]]
    columns = values_NF[:, :COLUMNS_SHOWN].unbind(1)
    return [_number_row(f"column {index}", column_N) for index, column_N in enumerate(columns)]


def _table_row(column: Column, values_N: Tensor) -> tuple[str, str, str, str, str, str, str]:
    """values_N: of the column's first slot, which holds a number, a category's code, or days since 1970."""
    if column.kind is ColumnKind.NUMBER:
        return _number_row(column.name, values_N)
    if column.kind is ColumnKind.CATEGORY:
        kind = f"{len(column.categories)} categories"
        return (column.name, kind, "–", "–", "–", "–", _share(values_N == MISSING))
    known = values_N[values_N.isfinite()]
    ends = (known.min(), known.max()) if len(known) else ()
    first, last = (_EPOCH_DAY + timedelta(days=float(day)) for day in ends) if ends else ("–", "–")
    return (column.name, "date", "–", "–", str(first), str(last), _share(values_N.isnan()))


def _number_row(name: str, values_N: Tensor) -> tuple[str, str, str, str, str, str, str]:
    known = values_N[values_N.isfinite()]
    missing = _share(~values_N.isfinite())
    if not len(known):
        return (name, "number", "–", "–", "–", "–", missing)
    numbers = (known.mean(), known.std(correction=0), known.min(), known.max())
    mean, std, low, high = (f"{float(number):.4g}" for number in numbers)
    return (name, "number", mean, std, low, high, missing)


def _share(mask_N: Tensor) -> str:
    return f"{100 * float(mask_N.double().mean()):.1f} %"


def finding_rows(findings: Findings) -> list[tuple[str, str, str, str, str, str]]:
    """(kind, split, count, what was done, message, examples)."""
    return [
        (item.kind, item.split, f"{item.count:,}", item.action.value, item.message, ", ".join(item.examples))
        for item in findings.items
    ]


def network(program: nn.Module) -> nn.Module:
    """The network inside a program; of a program that cannot be taken apart, all of it."""
    return program.net if isinstance(program, Program) else program


def layer_rows(program: nn.Module) -> list[tuple[str, str, str]]:
    """(name, what it is, parameters) of each module without children."""
    leaves = [
        (name, module) for name, module in network(program).named_modules() if name and not list(module.children())
    ]
    return [(name, _described(module), f"{parameter_count(module):,}") for name, module in leaves[:LAYERS_SHOWN]]


def parameter_count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _described(module: nn.Module) -> str:
    details = module.extra_repr()
    return f"{type(module).__name__}({details})" if len(details) <= 80 else type(module).__name__


def version_rows() -> list[tuple[str, str]]:
    return [*versions.libraries().items(), ("system", f"{platform.system()} {platform.machine()}")]
