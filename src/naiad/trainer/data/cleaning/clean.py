"""Raw data through all of cleaning: every split checked, what is broken left out or repaired, everything found told."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from naiad.errors import DataError
from naiad.trainer.data.cleaning.arrays import clean_array
from naiad.trainer.data.cleaning.checked import CheckedSplit, digests_of
from naiad.trainer.data.cleaning.classes import without_missing_labels
from naiad.trainer.data.cleaning.duplicates import told_copies, without_shared
from naiad.trainer.data.cleaning.images import common_form, probe_pictures, read_pictures
from naiad.trainer.data.cleaning.table_splits import clean_table_splits
from naiad.trainer.data.dataset import InputSchema, TensorSamples
from naiad.trainer.data.features.array import ArraySchema
from naiad.trainer.data.features.image import ImageSchema
from naiad.trainer.data.findings import Findings
from naiad.trainer.data.sources.raw_data import Kind, RawData


@dataclass(frozen=True)
class Cleaned:
    """Checked splits of one schema; targets are still as found."""

    splits: Mapping[str, CheckedSplit]
    schema: InputSchema
    findings: Findings


def clean(
    raw: RawData, *, image_size: tuple[int, int] | None, memory_limit_bytes: int, schema: InputSchema | None = None
) -> Cleaned:
    """``schema``: of a model that the data is for; None when it is to be found from the training split. Raises DataError."""
    cleaned = _checked(raw, image_size, memory_limit_bytes, schema)
    splits, findings = {}, raw.findings + cleaned.findings
    for split, checked in cleaned.splits.items():
        splits[split], found = without_missing_labels(checked, split=split, must_be_whole=raw.labels_must_be_whole)
        findings += found
    if not len(splits["train"]):
        raise DataError(f"{raw.name} has no usable training sample left after cleaning", hint="see `naiad inspect`")
    others = {split: checked for split, checked in splits.items() if split != "train"}
    splits["train"], found = without_shared(splits["train"], others)
    return Cleaned(splits, cleaned.schema, findings + found + told_copies(splits["train"]))


def _checked(
    raw: RawData, image_size: tuple[int, int] | None, memory_limit_bytes: int, schema: InputSchema | None
) -> Cleaned:
    if raw.kind is Kind.TABLE:
        splits, table_schema, findings = clean_table_splits(raw, schema)
        return Cleaned(splits, table_schema, findings)
    if raw.kind is Kind.PICTURES:
        return _pictures(raw, image_size, memory_limit_bytes, schema)
    if raw.kind is Kind.ITEMS:
        return _items(raw)
    return _tensors(raw, image_size, schema)


def _pictures(
    raw: RawData, image_size: tuple[int, int] | None, memory_limit_bytes: int, schema: InputSchema | None
) -> Cleaned:
    probes = {split: probe_pictures(part.inputs) for split, part in raw.splits.items()}
    if isinstance(schema, ImageSchema):
        form, findings = schema.form, Findings()
    else:
        form, findings = common_form(probes["train"], image_size)
    total_bytes = math.prod(form.shape) * sum(len(part) for part in raw.splits.values())
    fixed = all(part.inputs.fixed for part in raw.splits.values())
    in_memory = fixed and total_bytes <= memory_limit_bytes
    splits = {}
    for split, part in raw.splits.items():
        splits[split], found = read_pictures(part, probes[split], form, split=split, in_memory=in_memory)
        findings += found
    return Cleaned(splits, ImageSchema(*form.shape), findings)


def _items(raw: RawData) -> Cleaned:
    """Streamed tensors are not read here: they are random, or too many."""
    splits = {key: CheckedSplit(part.inputs, part.targets, part.names, None) for key, part in raw.splits.items()}
    items = raw.splits["train"].inputs
    _check_shapes({key: part.inputs.sample_shape for key, part in raw.splits.items()})
    return Cleaned(splits, _schema_of(items.sample_shape, items.dtype), Findings())


def _tensors(raw: RawData, image_size: tuple[int, int] | None, schema: InputSchema | None) -> Cleaned:
    splits, findings = {}, Findings()
    wanted = schema if schema is not None else _wanted(raw, image_size)
    for split, part in raw.splits.items():
        values: Tensor = part.inputs
        if raw.kind is Kind.ARRAYS and not isinstance(wanted, ImageSchema):
            values, found = clean_array(part, split=split)
            findings += found
        if tuple(values.shape[1:]) != wanted.sample_shape or values.dtype is not wanted.dtype:
            values = wanted.encode(values)
        splits[split] = CheckedSplit(TensorSamples(values), part.targets, part.names, digests_of(values))
    return Cleaned(splits, wanted, findings)


def _wanted(raw: RawData, image_size: tuple[int, int] | None) -> InputSchema:
    train: Tensor = raw.splits["train"].inputs
    if raw.kind is Kind.IMAGES and image_size is not None:
        return ImageSchema(train.shape[1], *image_size)
    if raw.kind is not Kind.IMAGES:
        _check_shapes({key: part.inputs.shape[1:] for key, part in raw.splits.items()})
    return _schema_of(train.shape[1:], train.dtype)


def _schema_of(shape: torch.Size, dtype: torch.dtype) -> InputSchema:
    if 0 in shape:
        raise DataError(f"samples of shape {tuple(shape)} hold no value")
    return ImageSchema(*shape) if dtype is torch.uint8 else ArraySchema(tuple(shape))


def _check_shapes(shapes: Mapping[str, torch.Size]) -> None:
    for split, shape in shapes.items():
        if shape != shapes["train"]:
            raise DataError(f"{split} has samples of shape {tuple(shape)}, train of shape {tuple(shapes['train'])}")
