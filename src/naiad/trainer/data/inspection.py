"""Inspects data without training: shows what would be trained on, and what is wrong with it."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from naiad.errors import DataError, explain_errors
from naiad.trainer.data.cleaning.clean import CleanedData, clean
from naiad.trainer.data.column_inspection import ColumnInspection, inspect_columns
from naiad.trainer.data.features.table import TableSchema
from naiad.trainer.data.findings import Findings
from naiad.trainer.data.labels import count_classes, infer_target_schema
from naiad.trainer.data.prepare import DataOptions, encode_all_targets, open_data, split_indices
from naiad.trainer.data.sources.raw_data import InputKind, RawData
from naiad.trainer.data.sources.reading_findings import describe_reading
from naiad.trainer.fit_options import check_seed

_NOT_PLAIN = ("sample_shape", "columns", "findings", "problems")


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """Result of ``inspect``."""

    name: str
    kind: str
    """A value of ``InputKind``: ``images``, ``PIL images``, ``arrays``, ``dataset items`` or ``table``."""
    reading: str = ""
    """Encoding and delimiter of a CSV file; empty for other data."""
    task: str | None = None
    task_reason: str = ""
    splits: dict[str, int]
    """Samples by split, after cleaning and before a validation split is held out."""
    classes: dict[str, dict[str, int]] = field(default_factory=dict)
    """Samples by split and class."""
    dtype: str = ""
    memory_bytes: int = 0
    """Size of the samples of all splits, whether they are held in memory or not."""
    in_memory: bool = False
    target_name: str
    sample_shape: tuple[int, ...] | None = None
    columns: tuple[ColumnInspection, ...] = ()
    """Each column of a table, with its type; empty for other data."""
    findings: Findings
    problems: tuple[str, ...] = ()
    """Reasons why the data cannot be trained on."""

    def to_json(self) -> dict[str, Any]:
        plain = {key: value for key, value in vars(self).items() if key not in _NOT_PLAIN}
        return {
            **plain,
            "sample_shape": None if self.sample_shape is None else list(self.sample_shape),
            "columns": [asdict(column) for column in self.columns],
            "findings": self.findings.to_json(),
            "quarantine": [asdict(entry) for entry in self.findings.quarantine],
            "problems": list(self.problems),
        }


@explain_errors(DataError, "the data cannot be read")
def inspect(
    data: Any,
    *,
    validation: Any = None,
    task: str | None = None,
    label: str | int | None = None,
    types: Mapping[str, str] | None = None,
    image_size: int | tuple[int, int] | None = None,
    as_: str | None = None,
    seed: int = 0,
    memory_limit_bytes: int | None = None,
) -> Inspection:
    """Goes as far as ``fit`` does with the data, and lists the problems that would end it there.

    The arguments are those of ``fit``. ``memory_limit_bytes``: larger data is streamed; None is a quarter of the free
    memory. Raises DataError where the data cannot be opened, and OptionError.
    """
    options = DataOptions(
        validation=validation,
        task=task,
        label=label,
        types=types,
        image_size=image_size,
        as_=as_,
        seed=check_seed(seed),
        memory_limit_bytes=memory_limit_bytes,
    )
    limit_bytes = options.memory_limit_or_default
    raw = open_data(data, options, limit_bytes)
    try:
        cleaned = clean(raw, image_size=options.image_sides, memory_limit_bytes=limit_bytes)
    except DataError as error:
        return _describe_raw(raw, error)
    inspection = _describe_cleaned(raw, cleaned)
    try:
        return _add_targets(inspection, cleaned, raw.classes, options)
    except DataError as error:
        return replace(inspection, problems=(str(error),))


def _describe_raw(raw: RawData, error: DataError) -> Inspection:
    return Inspection(
        name=raw.name,
        kind=str(raw.kind),
        reading=_describe_reading(raw),
        splits={name: len(split) for name, split in raw.splits.items()},
        target_name=raw.target_name,
        findings=raw.findings,
        problems=(str(error),),
    )


def _describe_cleaned(raw: RawData, cleaned: CleanedData) -> Inspection:
    samples = cleaned.splits["train"].samples
    counts = {name: len(split) for name, split in cleaned.splits.items()}
    return Inspection(
        name=raw.name,
        kind=str(raw.kind),
        reading=_describe_reading(raw),
        splits=counts,
        target_name=raw.target_name,
        findings=cleaned.findings,
        columns=_inspect_columns(raw, cleaned),
        sample_shape=tuple(samples.sample_shape),
        dtype=str(samples.dtype).removeprefix("torch."),
        memory_bytes=sum(counts.values()) * math.prod(samples.sample_shape) * samples.dtype.itemsize,
        in_memory=samples.in_memory,
    )


def _describe_reading(raw: RawData) -> str:
    return describe_reading(raw.splits["train"].inputs) if raw.kind is InputKind.TABLE else ""


def _inspect_columns(raw: RawData, cleaned: CleanedData) -> tuple[ColumnInspection, ...]:
    if not isinstance(cleaned.schema, TableSchema):
        return ()
    return tuple(inspect_columns(raw.splits["train"].inputs, raw.label, cleaned.schema, cleaned.findings))


def _add_targets(
    inspection: Inspection, cleaned: CleanedData, names: tuple[str, ...], options: DataOptions
) -> Inspection:
    """Adds the task, the classes and what was found about the labels. Raises DataError where training would be refused."""
    train = cleaned.splits["train"]
    target_schema = infer_target_schema(train.targets, task=options.task, names=names)
    targets, findings = encode_all_targets(cleaned.splits, target_schema)
    if "validation" not in targets:
        split_indices(train, targets["train"], target_schema, options.seed)
    classes = {
        split: dict(count_classes(encoded, target_schema.classes))
        for split, encoded in targets.items()
        if encoded is not None and target_schema.classes
    }
    return replace(
        inspection,
        task=str(target_schema.task),
        task_reason=target_schema.reason,
        classes=classes,
        findings=inspection.findings + findings,
    )
