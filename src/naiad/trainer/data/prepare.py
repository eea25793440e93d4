"""From whatever the user has to a Dataset that is ready to train on: source → cleaning → labels → split → features.

Statistics come from the training split only, and the test split chooses nothing.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from naiad.errors import DataError, OptionError
from naiad.trainer.data.cleaning.checked import CheckedSplit
from naiad.trainer.data.cleaning.classes import tiny_classes
from naiad.trainer.data.cleaning.clean import Cleaned, clean
from naiad.trainer.data.cleaning.duplicates import groups_of
from naiad.trainer.data.dataset import Dataset, InputSchema, Split, Task
from naiad.trainer.data.features.fit import fit_input_features
from naiad.trainer.data.findings import Action, Finding, Findings
from naiad.trainer.data.inspection import Inspection
from naiad.trainer.data.labels import Labelling, count_classes, encode_targets, labelling
from naiad.trainer.data.sources.open import default_memory_limit_bytes, open_source, with_validation
from naiad.trainer.data.sources.raw_data import Kind, RawData
from naiad.trainer.data.splitting import validation_indices


@dataclass(frozen=True)
class SplitLike:
    """What a trained model says about the data that it takes."""

    task: Task
    schema: InputSchema
    classes: tuple[str, ...]
    target_name: str


def prepare(
    data: Any,
    *,
    validation: Any = None,
    task: str | None = None,
    label: str | None = None,
    image_size: int | tuple[int, int] | None = None,
    seed: int = 0,
    memory_limit_bytes: int | None = None,
    normalised: bool = True,
) -> Dataset:
    """Raises DataError, OptionError. ``memory_limit_bytes``: more is streamed; None is a quarter of what is free.
    ``normalised``: as ``fit_input_features`` has it.
    """
    limit, size = _limit(memory_limit_bytes), _size(image_size)
    raw = _opened(data, validation, label, limit)
    cleaned = clean(raw, image_size=size, memory_limit_bytes=limit)
    meaning = labelling(cleaned.splits["train"].targets, task=task, names=raw.classes)
    targets, told = _encoded(cleaned.splits, meaning)
    findings = cleaned.findings + told
    if meaning.task is Task.CLASSIFICATION and targets["train"] is not None:
        findings += tiny_classes(targets["train"].numpy(), meaning.classes)
    splits = {key: _split(cleaned.splits[key], targets[key]) for key in targets}
    if "validation" not in splits:
        splits |= _without_validation(splits["train"], cleaned.splits["train"], meaning, seed)
    return Dataset(
        name=raw.name,
        task=meaning.task,
        task_reason=meaning.reason,
        schema=cleaned.schema,
        features=fit_input_features(cleaned.schema, splits["train"].samples, seed=seed, normalised=normalised),
        classes=meaning.classes,
        target_name=raw.target_name,
        train=splits["train"],
        validation=splits["validation"],
        test=splits.get("test"),
        findings=findings,
    )


def inspect(
    data: Any,
    *,
    validation: Any = None,
    task: str | None = None,
    label: str | None = None,
    image_size: int | tuple[int, int] | None = None,
    seed: int = 0,
    memory_limit_bytes: int | None = None,
) -> Inspection:
    """Goes as far as ``prepare`` and tells where that would refuse. Raises DataError only when there is nothing to look at."""
    limit, size = _limit(memory_limit_bytes), _size(image_size)
    raw = _opened(data, validation, label, limit)
    try:
        cleaned = clean(raw, image_size=size, memory_limit_bytes=limit)
    except DataError as error:
        return _refused(raw, error)
    try:
        meaning = labelling(cleaned.splits["train"].targets, task=task, names=raw.classes)
        targets, told = _encoded(cleaned.splits, meaning)
        if meaning.task is Task.CLASSIFICATION and targets["train"] is not None:
            told += tiny_classes(targets["train"].numpy(), meaning.classes)
        if "validation" not in targets:
            _validation(cleaned.splits["train"], targets["train"], meaning, seed)
    except DataError as error:
        return _inspected(raw, cleaned, problems=(str(error),))
    classes = {
        split: dict(count_classes(found, meaning.classes))
        for split, found in targets.items()
        if found is not None and meaning.classes
    }
    shown = replace(cleaned, findings=cleaned.findings + told)
    return replace(_inspected(raw, shown), task=str(meaning.task), task_reason=meaning.reason, classes=classes)


def prepare_split(data: Any, *, like: SplitLike, split: str = "test", label: str | None = None) -> Split:
    """``split`` of ``data`` for a trained model; data without splits is taken whole. Raises DataError."""
    return check_split(data, like=like, split=split, label=label)[0]


def check_split(data: Any, *, like: SplitLike, split: str = "test", label: str | None = None) -> tuple[Split, Findings]:
    """As ``prepare_split``, with what cleaning found: unreadable images and missing labels are left out there too."""
    limit = default_memory_limit_bytes()
    raw = open_source(data, label=_label_for(like, label), memory_limit_bytes=limit)
    alone = replace(raw, splits={"train": raw.only(split)})
    if raw.label is None and raw.kind is Kind.TABLE and like.target_name in alone.splits["train"].inputs.column_names:
        alone = replace(alone, label=like.target_name)
    cleaned = clean(alone, image_size=None, memory_limit_bytes=limit, schema=like.schema)
    checked = cleaned.splits["train"]
    findings = _renamed(cleaned.findings, split)
    if checked.targets is None:
        return _split(checked, None), findings
    if like.task is Task.CLUSTERING:
        meaning = labelling(checked.targets, task=Task.CLUSTERING, names=raw.classes)
        classes, named = meaning.classes, meaning.named
    else:
        classes, named = like.classes, raw.classes == like.classes
    targets = encode_targets(
        _by_name(checked.targets, raw, named), task=like.task, classes=classes, named=named, split=split
    )
    return _split(checked, targets), findings


def _opened(data: Any, validation: Any, label: str | None, limit: int) -> RawData:
    raw = open_source(data, label=label, memory_limit_bytes=limit)
    if validation is None:
        return raw
    return with_validation(raw, open_source(validation, label=label, memory_limit_bytes=limit))


def _label_for(like: SplitLike, label: str | None) -> str | None:
    """A table is judged by the column that the model was trained on; clustering needs none."""
    judged = like.schema.to_json()["kind"] == "table" and like.task is not Task.CLUSTERING
    return like.target_name if label is None and judged else label


def _encoded(splits: Mapping[str, CheckedSplit], meaning: Labelling) -> tuple[dict[str, Tensor | None], Findings]:
    """Targets by split, without the test split when it has none that could judge; that is told."""
    targets: dict[str, Tensor | None] = {}
    findings = Findings()
    for split, checked in splits.items():
        if checked.targets is not None:
            targets[split] = encode_targets(
                checked.targets, task=meaning.task, classes=meaning.classes, named=meaning.named, split=split
            )
        elif meaning.task is Task.CLUSTERING:
            targets[split] = None
        else:
            message = f"the {split} split has no labels, so it is not used"
            findings += Findings((Finding("split-without-labels", split, len(checked), Action.TOLD, message),))
    return targets, findings


def _split(checked: CheckedSplit, targets: Tensor | None) -> Split:
    return Split(checked.samples, targets, checked.names)


def _without_validation(train: Split, checked: CheckedSplit, meaning: Labelling, seed: int) -> dict[str, Split]:
    parts = _validation(checked, train.targets, meaning, seed)
    splits = {}
    for key, indices in zip(("train", "validation"), parts, strict=True):
        targets = None if train.targets is None else train.targets[indices]
        splits[key] = _split(checked.select(indices), targets)
    return splits


def _validation(
    checked: CheckedSplit, targets: Tensor | None, meaning: Labelling, seed: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    stratified = meaning.task is Task.CLASSIFICATION and targets is not None
    strata = targets.numpy() if stratified and targets is not None else None
    return validation_indices(groups_of(checked.digests, len(checked)), strata=strata, seed=seed)


def _by_name(targets: npt.NDArray[Any], raw: RawData, named: bool) -> npt.NDArray[Any]:  # noqa: FBT001  # reason: private
    """Indices of the data's own class names as names, where the model has others or another order."""
    if named or not raw.classes or targets.dtype.kind not in "iu":
        return targets
    known = (targets >= 0) & (targets < len(raw.classes))
    return np.array(raw.classes)[targets] if known.all() else targets


def _renamed(findings: Findings, split: str) -> Findings:
    """Cleaning called the only split ``train``."""
    items = tuple(replace(item, split=split) for item in findings.items if item.action is not Action.TOLD)
    return Findings(items, tuple(replace(item, split=split) for item in findings.quarantine))


def _inspected(raw: RawData, cleaned: Cleaned, *, problems: tuple[str, ...] = ()) -> Inspection:
    train = cleaned.splits["train"].samples
    counts = {split: len(checked) for split, checked in cleaned.splits.items()}
    return Inspection(
        name=raw.name,
        kind=str(raw.kind),
        task=None,
        task_reason="",
        splits=counts,
        classes={},
        sample_shape=tuple(train.sample_shape),
        dtype=str(train.dtype).removeprefix("torch."),
        memory_bytes=sum(counts.values()) * math.prod(train.sample_shape) * train.dtype.itemsize,
        in_memory=train.in_memory,
        target_name=raw.target_name,
        findings=cleaned.findings,
        problems=problems,
    )


def _refused(raw: RawData, error: DataError) -> Inspection:
    return Inspection(
        name=raw.name,
        kind=str(raw.kind),
        task=None,
        task_reason="",
        splits={split: len(part) for split, part in raw.splits.items()},
        classes={},
        sample_shape=None,
        dtype="",
        memory_bytes=0,
        in_memory=False,
        target_name=raw.target_name,
        findings=raw.findings,
        problems=(str(error),),
    )


def _limit(memory_limit_bytes: int | None) -> int:
    return default_memory_limit_bytes() if memory_limit_bytes is None else memory_limit_bytes


def _size(image_size: int | tuple[int, int] | None) -> tuple[int, int] | None:
    if image_size is None:
        return None
    size = (image_size, image_size) if isinstance(image_size, int) else tuple(image_size)
    if len(size) != 2 or not all(isinstance(side, int) and side > 0 for side in size):
        raise OptionError(f"image_size is {image_size!r}", hint="give a number of pixels, or (height, width)")
    return size[0], size[1]
