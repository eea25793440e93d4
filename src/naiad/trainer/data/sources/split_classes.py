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
    has_names = bool(train.classes) or (trained is not None and trained.dtype.kind in "UO")
    if split.targets is None or not data.classes or data.classes == train.classes or not has_names:
        return split
    return replace(split, targets=name_indices(split.targets, data.classes))


def name_indices(targets: npt.NDArray[Any], classes: tuple[str, ...]) -> npt.NDArray[Any]:
    """Returns the names of the classes that whole numbers (N,) count, as text; other labels as they are."""
    if targets.dtype.kind not in "iu" or not bool(((targets >= 0) & (targets < len(classes))).all()):
        return targets
    names: npt.NDArray[np.str_] = np.array(classes, dtype=np.str_)[targets]
    return names
