"""Prepares any supported data for training: source → cleaning → labels → split → features.

Statistics come from the training split only. The test split decides nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from naiad.errors import DataError, OptionError, describe_value, explain_errors
from naiad.trainer.data.cleaning.clean import clean
from naiad.trainer.data.cleaning.cleaned_split import CleanedSplit
from naiad.trainer.data.cleaning.duplicates import duplicate_groups
from naiad.trainer.data.cleaning.image_tables import replace_image_paths
from naiad.trainer.data.cleaning.label_checks import find_small_classes
from naiad.trainer.data.column_types import parse_types
from naiad.trainer.data.dataset import Dataset, InputSchema, Split, Task
from naiad.trainer.data.features.fit import fit_input_features
from naiad.trainer.data.features.table import TableSchema
from naiad.trainer.data.features.target_statistics import StatisticTargets, assign_folds
from naiad.trainer.data.findings import Action, Finding, Findings
from naiad.trainer.data.infer_layout import NetworkInput, set_layout
from naiad.trainer.data.labels import TargetSchema, encode_targets, infer_target_schema
from naiad.trainer.data.layout import check_layout
from naiad.trainer.data.sources.open import (
    add_validation,
    default_memory_limit_bytes,
    like_training_split,
    open_source,
)
from naiad.trainer.data.sources.raw_data import RawData, check_label
from naiad.trainer.data.sources.table_options import TableOptions
from naiad.trainer.data.splitting import validation_indices


def _is_positive(side: object) -> bool:
    return isinstance(side, Integral) and not isinstance(side, bool) and int(side) > 0


@dataclass(frozen=True, kw_only=True)
class DataOptions:
    """Options of ``prepare``. Raises OptionError for an ``image_size`` that is no size, and for a type that is none."""

    validation: Any = None
    """Validation data; None holds out a fraction of the training data."""
    task: str | None = None
    """A value of ``Task``; None infers it from the labels."""
    label: str | int | None = None
    """Label column of a table."""
    types: Mapping[str, str] | None = None
    """Types of a table's columns, by name, as ``column_types`` lists them; the others are inferred."""
    image_size: int | tuple[int, int] | None = None
    """Side, or (height, width), in pixels; None takes the size that most training images have."""
    as_: str | None = None
    """A value of ``Layout`` for arrays; None takes what the network takes, else the default."""
    seed: int = 0
    """Draws the validation split, and the samples for statistics where samples are streamed."""
    memory_limit_bytes: int | None = None
    """Samples that need more memory are streamed; None is a quarter of the free memory."""
    normalise: bool = True
    """Whether inputs are normalised, as ``fit_input_features`` says."""

    def __post_init__(self) -> None:
        size = self.image_size
        sides = size if isinstance(size, Sequence) else (size, size)
        if size is not None and (len(sides) != 2 or not all(_is_positive(side) for side in sides)):
            raise OptionError(
                f"image_size is {describe_value(size)}", hint="give a number of pixels, or (height, width)"
            )
        for name, value in (("task", self.task), ("as_", self.as_)):
            if value is not None and not isinstance(value, str):
                raise OptionError(f"{name} is a name, given {describe_value(value)}")
        if self.label is not None and not isinstance(self.label, str | Integral):
            raise OptionError(f"label is the name of a column, given {describe_value(self.label)}")
        check_layout(self.as_)
        parse_types(self.types)

    @property
    def image_sides(self) -> tuple[int, int] | None:
        """``image_size`` as (height, width)."""
        size = self.image_size
        if size is None:
            return None
        height, width = size if isinstance(size, Sequence) else (size, size)
        return int(height), int(width)

    @property
    def memory_limit_or_default(self) -> int:
        return default_memory_limit_bytes() if self.memory_limit_bytes is None else self.memory_limit_bytes


DEFAULT_OPTIONS = DataOptions()


@explain_errors(DataError, "the data cannot be read")
def prepare(data: Any, options: DataOptions = DEFAULT_OPTIONS, *, network: NetworkInput | None = None) -> Dataset:
    """Returns ``data`` cleaned, encoded and split. Raises DataError, OptionError.

    network: the one that is to be trained, where it decides how arrays are laid out.
    """
    limit_bytes = options.memory_limit_or_default
    raw = open_data(data, options, limit_bytes, network=network)
    cleaned = clean(raw, image_size=options.image_sides, memory_limit_bytes=limit_bytes)
    target_schema = infer_target_schema(cleaned.splits["train"].targets, task=options.task, names=raw.classes)
    targets, findings = encode_all_targets(cleaned.splits, target_schema)
    splits = {name: cleaned.splits[name].to_split(encoded) for name, encoded in targets.items()}
    check_weights(splits["train"], target_schema.task)
    if "validation" not in splits:
        splits |= _split_off_validation(splits["train"], cleaned.splits["train"], target_schema, options.seed)
    train, statistic_targets = _assign_folds(splits["train"], cleaned.schema, target_schema, options.seed)
    return Dataset(
        name=raw.name,
        task=target_schema.task,
        task_reason=target_schema.reason,
        schema=cleaned.schema,
        features=fit_input_features(
            cleaned.schema,
            train.samples,
            seed=options.seed,
            normalise=options.normalise,
            targets=statistic_targets,
        ),
        classes=target_schema.classes,
        target_name=raw.target_name,
        train=train,
        validation=splits["validation"],
        test=splits.get("test"),
        findings=cleaned.findings + findings,
    )


def check_weights(train: Split, task: Task) -> None:
    """Raises DataError where samples have weights and the task has no loss for them, or none above 0 is left."""
    if train.weights is None:
        return
    if task is Task.CLUSTERING:
        raise DataError("the samples have weights, which clustering does not take", hint="leave the weights out")
    if not bool(train.weights.any()):
        raise DataError("no training sample with a weight above 0 is left after cleaning", hint="see `naiad inspect`")


def open_data(
    data: Any, options: DataOptions, memory_limit_bytes: int, *, network: NetworkInput | None = None
) -> RawData:
    """Returns the raw data with the validation data that ``options`` name, in their layout. Raises DataError."""
    layout, table = check_layout(options.as_), TableOptions(types=parse_types(options.types))

    def open_one(source: Any, table: TableOptions) -> RawData:
        return open_source(
            source, label=options.label, memory_limit_bytes=memory_limit_bytes, layout=layout, table=table
        )

    raw = open_one(data, table)
    check_label(raw, options.label)
    if options.validation is not None:
        raw = add_validation(raw, open_one(options.validation, like_training_split(table, raw)))
    return set_layout(replace_image_paths(raw), layout, network)


def encode_all_targets(
    splits: Mapping[str, CleanedSplit], target_schema: TargetSchema
) -> tuple[dict[str, Tensor | None], Findings]:
    """Returns the encoded targets by split, and what was found about them. Raises DataError.

    A test or validation split without labels has no entry, unless the task is clustering: then its targets are None.
    """
    targets: dict[str, Tensor | None] = {}
    findings = Findings()
    for split, cleaned in splits.items():
        if cleaned.targets is not None:
            targets[split] = encode_targets(cleaned.targets, target_schema, split=split)
        elif target_schema.task is Task.CLUSTERING:
            targets[split] = None
        else:
            message = f"the {split} split has no labels, so it is not used"
            findings += Findings((Finding("split-without-labels", split, len(cleaned), Action.REPORTED, message),))
    train = targets["train"]
    if target_schema.task is Task.CLASSIFICATION and train is not None:
        findings += find_small_classes(train.numpy(), target_schema.classes)
    return targets, findings


def split_indices(
    train: CleanedSplit, targets: Tensor | None, target_schema: TargetSchema, seed: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Returns the (train, validation) indices of a training split. Raises DataError where it cannot be split.

    Samples of weight 0 stay in train: they would not count in the validation's metrics.
    """
    is_stratified = target_schema.task is Task.CLASSIFICATION and targets is not None
    strata = targets.numpy() if is_stratified and targets is not None else None
    groups = duplicate_groups(train.digests, len(train))
    if train.weights is None or train.weights.all():
        return validation_indices(groups, strata=strata, seed=seed)
    counted = np.flatnonzero(train.weights)
    counted_strata = None if strata is None else strata[counted]
    _, validation = validation_indices(groups[counted], strata=counted_strata, seed=seed)
    return np.setdiff1d(np.arange(len(train)), counted[validation]), counted[validation]


def _assign_folds(
    train: Split, schema: InputSchema, target_schema: TargetSchema, seed: int
) -> tuple[Split, StatisticTargets | None]:
    """Returns the training split with folds for the statistics of a table's categories, and their targets, if there are any."""
    if not isinstance(schema, TableSchema) or train.targets is None or target_schema.task is Task.CLUSTERING:
        return train, None
    columns = [column for _, column in schema.many_categories]
    if not columns:
        return train, None
    targets = StatisticTargets(train.targets, target_schema.task, len(target_schema.classes))
    return assign_folds(train, columns, seed=seed), targets


def _split_off_validation(
    train: Split, cleaned: CleanedSplit, target_schema: TargetSchema, seed: int
) -> dict[str, Split]:
    splits = {}
    both_indices = split_indices(cleaned, train.targets, target_schema, seed)
    for name, indices in zip(("train", "validation"), both_indices, strict=True):
        targets = None if train.targets is None else train.targets[indices]
        splits[name] = cleaned.select(indices).to_split(targets)
    return splits
