"""Infers the task and the classes from labels as the source gives them, and encodes labels as targets.

Shape legend: N samples, K classes.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from naiad.errors import DataError, OptionError, did_you_mean
from naiad.trainer.data.dataset import Task
from naiad.trainer.data.number_text import read_written_numbers

_MAX_CLASSES = 1_000
_FEW_CLASSES = 20
"""Distinct whole numbers that are classes however few the samples are, as long as each has two."""
_MAX_CLASS_FRACTION = 0.05
"""Distinct whole numbers, as a fraction of the samples, that are still classes."""
_MAX_LISTED = 5
_WHOLE_WITH_POINT = re.compile(r"^(-?(?:0|[1-9][0-9]*))\.0+$")
_LARGEST_VALUE = 1e150
"""Largest value of a regression: deviations and metrics are made of squares."""


@dataclass(frozen=True)
class TargetSchema:
    """Task and classes of a data set's labels."""

    task: Task
    reason: str
    """One phrase for people: why this is the task."""
    classes: tuple[str, ...]
    """Class names in the order of their indices; empty for regression and where there are no labels."""
    labels_are_indices: bool = False
    """True where the source names the classes 0 … K-1 and the labels are these numbers."""


def infer_target_schema(
    labels: npt.NDArray[Any] | None, *, task: str | None, names: tuple[str, ...] = ()
) -> TargetSchema:
    """Returns the schema of the training split's labels (N,). Raises DataError, OptionError.

    task: kept where the user set it. names: class names that the source gives.
    """
    if task is None:
        inferred_task, reason = _infer_task(labels, names)
    else:
        inferred_task, reason = _check_task(labels, task), "set by the user"
    if labels is None or inferred_task is Task.REGRESSION:
        return TargetSchema(inferred_task, reason, ())
    labels_are_indices = bool(names) and _has_whole_numbers(labels)
    if inferred_task is Task.CLASSIFICATION:
        _check_two_classes(labels)
    return TargetSchema(
        inferred_task, reason, names if labels_are_indices else _class_names(labels), labels_are_indices
    )


def encode_targets(labels: npt.NDArray[Any], target_schema: TargetSchema, *, split: str) -> Tensor:
    """Returns int64 (N,) class indices, or float64 (N,) values for regression, which are the user's own.

    Raises DataError for a label that is no number in regression, or none of the classes. ``split`` is named in the message.
    """
    classes, are_indices = target_schema.classes, target_schema.labels_are_indices
    if target_schema.task is Task.REGRESSION:
        return _encode_values(labels, split)
    if _has_whole_numbers(labels) and (are_indices or not set(_class_names(labels)) <= set(classes)):
        indices = labels.astype(np.int64)
        if are_indices or not any(_is_number_text(name) for name in classes):
            is_outside = (indices < 0) | (indices >= len(classes))
            _check_known(labels[is_outside], classes, split)
            if not are_indices:
                _check_counted_from_zero(indices, classes, split)
            return torch.from_numpy(indices)
    unique, inverse = np.unique(labels if labels.dtype.kind in "iufb" else _to_text(labels), return_inverse=True)
    names = [_format_label(value) for value in unique.tolist()]
    index_of = {name: index for index, name in enumerate(classes)}
    names = [name if name in index_of else _other_spelling(name, classes) for name in names]
    _check_known(np.array([name for name in names if name not in index_of]), classes, split)
    indices = np.array([index_of[name] for name in names], dtype=np.int64)
    return torch.from_numpy(indices[inverse])


def count_classes(targets: Tensor, classes: tuple[str, ...]) -> Mapping[str, int]:
    """Returns the number of samples by class name."""
    counts = torch.bincount(targets, minlength=len(classes)).tolist()
    return dict(zip(classes, counts, strict=True))


# ---- task


def _check_task(labels: npt.NDArray[Any] | None, task: str) -> Task:
    known = [str(choice) for choice in Task]
    if task not in known:
        raise OptionError(f"task {task!r} is not known", hint=did_you_mean(str(task), known))
    if task != Task.CLUSTERING and labels is None:
        raise DataError(f"the data has no labels, which {task} needs", hint="give labels, or task='clustering'")
    return Task(task)


def _infer_task(labels: npt.NDArray[Any] | None, names: tuple[str, ...]) -> tuple[Task, str]:
    """Returns the task and the reason for it."""
    if labels is None:
        return Task.CLUSTERING, "the data has no labels"
    if names:
        return Task.CLASSIFICATION, f"the labels are {len(names)} named classes"
    if labels.dtype.kind not in "iuf" and not _has_only_numbers(labels):
        return Task.CLASSIFICATION, f"the labels are {'yes or no' if labels.dtype.kind == 'b' else 'text'}"
    return _infer_task_from_numbers(labels.astype(np.float64))


def _infer_task_from_numbers(numbers: npt.NDArray[np.float64]) -> tuple[Task, str]:
    """Takes few distinct whole numbers for classes, if there are two samples or more for each on average."""
    if bool((numbers != np.floor(numbers)).any()):
        return Task.REGRESSION, "the labels are numbers with fractions"
    distinct = len(np.unique(numbers))
    most = min(max(_FEW_CLASSES, int(_MAX_CLASS_FRACTION * len(numbers))), _MAX_CLASSES, max(2, len(numbers) // 2))
    task = Task.CLASSIFICATION if distinct <= most else Task.REGRESSION
    return task, f"the labels are whole numbers with {distinct:,} distinct values"


# ---- checks


def _check_two_classes(labels: npt.NDArray[Any]) -> None:
    present = np.unique(_to_text(labels if labels.dtype.kind == "O" else np.unique(labels)))
    if len(present) < 2:
        only = f"only one, {str(present[0])!r}" if len(present) else "none"
        raise DataError(
            f"classification needs at least two classes, but the training labels have {only}",
            hint="add samples of another class, or give task='clustering'",
        )


def _other_spelling(name: str, classes: tuple[str, ...]) -> str:
    """Returns the class that is written in another way only, else ``name``.

    Letters may be encoded as macOS encodes ``é``, and a whole number may end in ``.0``, as pandas writes it beside missing ones.
    """
    written = _canonical(name)
    same = [known for known in classes if _canonical(known) == written]
    return same[0] if len(same) == 1 else name


def _canonical(name: str) -> str:
    return _WHOLE_WITH_POINT.sub(r"\1", unicodedata.normalize("NFC", name))


def _check_known(unknown_labels: npt.NDArray[Any], classes: tuple[str, ...], split: str) -> None:
    if len(unknown_labels):
        listed = ", ".join(str(label) for label in np.unique(unknown_labels)[:_MAX_LISTED])
        raise DataError(
            f"labels out of range: {split} has {listed}, but the classes are {_list_classes(classes)}",
            hint="the classes are those of the training labels: correct the labels, or add training samples of them",
        )


def _check_counted_from_zero(indices: npt.NDArray[np.int64], classes: tuple[str, ...], split: str) -> None:
    """Refuses numbers without a 0 where the classes have names: whether they count from 0 or from 1 cannot be known."""
    if len(indices) and indices.min() > 0:
        raise DataError(
            f"the labels of {split} are numbers from {indices.min()} to {indices.max()} without a 0, but the classes have "
            f"names: {_list_classes(classes)}",
            hint="give the labels as names: np.array(model.classes)[indices], where indices count from 0",
        )


def _list_classes(classes: tuple[str, ...]) -> str:
    more = f", … ({len(classes)} in all)" if len(classes) > _MAX_LISTED else ""
    return ", ".join(classes[:_MAX_LISTED]) + more


# ---- values


def _encode_values(labels: npt.NDArray[Any], split: str) -> Tensor:
    try:
        values = read_written_numbers(labels).astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"the labels of {split} are no numbers: {error}", hint="give task='classification'") from error
    if len(values) and np.abs(values).max() > _LARGEST_VALUE:
        raise DataError(
            f"the labels of {split} reach {np.abs(values).max():.3g}, whose square float64 does not hold",
            hint="divide them by a number, or take their logarithm",
        )
    return torch.from_numpy(values)


def _class_names(labels: npt.NDArray[Any]) -> tuple[str, ...]:
    """Returns the distinct labels as text: numbers sorted by value, others by text."""
    if labels.dtype.kind in "iufb":
        return tuple(_format_label(value) for value in np.unique(labels).tolist())
    if _has_only_numbers(labels):
        return tuple(_format_label(value) for value in sorted(set(labels.tolist())))
    return tuple(str(name) for name in np.unique(_to_text(labels)))


def _to_text(labels: npt.NDArray[Any]) -> npt.NDArray[np.str_]:
    if labels.dtype.kind == "U":
        return labels
    return np.array([_format_label(value) for value in labels.tolist()], dtype=np.str_)


def _format_label(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _has_whole_numbers(labels: npt.NDArray[Any]) -> bool:
    if labels.dtype.kind == "f":
        return bool((labels == np.floor(labels)).all())
    return labels.dtype.kind in "iu"


def _has_only_numbers(labels: npt.NDArray[Any]) -> bool:
    """Whether Python objects are all numbers."""
    return labels.dtype.kind == "O" and all(
        isinstance(value, int | float | np.number | Decimal) and not isinstance(value, bool) for value in labels
    )


def _is_number_text(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True
