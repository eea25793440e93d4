"""Class numbers of several splits: they are matched by the names of the classes, as each split may number its own.

A folder of test images that lacks a class counts those after it one lower than the training folder does.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from naiad.errors import DataError
from naiad.trainer.data.findings import Findings
from naiad.trainer.data.sources.raw_data import RawData, RawSplit


def merge_splits(name: str, data_by_split: Mapping[str, RawData]) -> RawData:
    """Returns one RawData that takes each split from the data of its key; classes are those of ``train``. Raises DataError."""
    if "train" not in data_by_split:
        raise DataError(
            f"the data has no train split, only {', '.join(data_by_split)}", hint="give one under the key 'train'"
        )
    train = data_by_split["train"]
    for key, data in data_by_split.items():
        if data.kind is not train.kind:
            raise DataError(f"the splits are of two kinds: train is {train.kind}, {key} is {data.kind}")
    splits = {key: with_class_names(data.get_split(key), data, train) for key, data in data_by_split.items()}
    findings = sum((data.findings for data in data_by_split.values()), Findings())
    return replace(train, name=name, splits=splits, findings=findings)


def with_class_names(split: RawSplit, data: RawData, train: RawData) -> RawSplit:
    """Returns a split of ``data`` with names as labels, where ``train`` has other class names, or another order of them.

    Numbers stay as they are where either has no names.
    """
    trained = train.splits["train"].targets
    if split.one_hot_columns is not None and train.splits["train"].one_hot_columns is None:
        return name_one_hot(split, train.classes or _distinct_labels(trained))
    has_names = bool(train.classes) or (trained is not None and trained.dtype.kind in "UO")
    if split.targets is None or not data.classes or data.classes == train.classes or not has_names:
        return split
    return replace(split, targets=name_indices(split.targets, data.classes))


def _distinct_labels(labels: npt.NDArray[Any] | None) -> tuple[str, ...]:
    """Returns the classes that text or whole numbers (N,) make, in their order; nothing for other labels."""
    if labels is None or labels.dtype.kind not in "iuUO":
        return ()
    is_exact = labels.dtype.kind in "iuU" or all(isinstance(label, str) for label in labels)
    return tuple(str(label) for label in np.unique(labels).tolist()) if is_exact else ()


def name_one_hot(split: RawSplit, classes: tuple[str, ...]) -> RawSplit:
    """Returns a split whose one-hot labels are the class of their column, where there is a column for each of ``classes``.

    Else the numbers of the columns stay the labels. Raises DataError where the classes have names, so that these say nothing.
    """
    columns = split.one_hot_columns
    if columns is None or split.targets is None or not classes or split.targets.dtype.kind not in "iu":
        return split
    if columns == len(classes):
        return replace(split, targets=name_indices(split.targets, classes), one_hot_columns=None)
    if all(name.lstrip("-").isdecimal() for name in classes):
        return split
    raise DataError(
        f"the one-hot labels have {columns} columns, but there are {len(classes)} classes: {', '.join(classes[:5])}",
        hint="give a column for each class, in that order, or the labels as names",
    )


def name_indices(targets: npt.NDArray[Any], classes: tuple[str, ...]) -> npt.NDArray[Any]:
    """Returns the names of the classes that whole numbers (N,) count, as text; other labels as they are."""
    if targets.dtype.kind not in "iu" or not bool(((targets >= 0) & (targets < len(classes))).all()):
        return targets
    names: npt.NDArray[np.str_] = np.array(classes, dtype=np.str_)[targets]
    return names
