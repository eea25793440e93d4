"""From labels as found to a task, class names and targets.

Shape legend: N samples, K classes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from naiad.errors import DataError, OptionError, nearest
from naiad.trainer.data.dataset import Task

_FEW_CLASSES = 20
_MOST_CLASSES = 1_000
_SMALL_SHARE = 0.05
_SHOWN = 5


@dataclass(frozen=True)
class Labelling:
    """What the labels mean."""

    task: Task
    reason: str
    classes: tuple[str, ...]
    named: bool = False
    """True where the source gave the names of the integers 0 … K-1."""


def labelling(targets: npt.NDArray[Any] | None, *, task: str | None, names: tuple[str, ...] = ()) -> Labelling:
    """From the training split's labels. A ``task`` that the user set is kept. Raises DataError, OptionError."""
    chosen, reason = _task(targets, task, names)
    if targets is None or chosen is Task.REGRESSION:
        return Labelling(chosen, reason, ())
    if targets is None:
        if chosen is Task.CLASSIFICATION:
            raise DataError(
                "the data has no labels, which classification needs", hint="give labels, or task='clustering'"
            )
        return Labelling(chosen, reason, ())
    named = bool(names) and _is_whole(targets)
    if not named:
        _refuse_negative(targets)
    if chosen is Task.CLASSIFICATION:
        _refuse_one_class(targets)
    return Labelling(chosen, reason, names if named else _names_of(targets), named)


def encode_targets(
    targets: npt.NDArray[Any], *, task: Task, classes: tuple[str, ...], named: bool, split: str
) -> Tensor:
    """int64 (N,) class indices, or float32 (N,) values. Raises DataError on labels that the classes do not have."""
    if task is Task.REGRESSION:
        return _values(targets, split)
    if _is_whole(targets) and (named or not set(_names_of(targets)) <= set(classes)):
        indices = targets.astype(np.int64)
        if named or not any(_is_number(name) for name in classes):
            outside = (indices < 0) | (indices >= len(classes))
            _refuse_outside(targets[outside], classes, split)
            return torch.from_numpy(indices)
    unique, inverse = np.unique(targets if targets.dtype.kind in "iufb" else _texts(targets), return_inverse=True)
    names = [_number_name(value) for value in unique.tolist()]
    position = {name: index for index, name in enumerate(classes)}
    _refuse_outside(np.array([name for name in names if name not in position]), classes, split)
    places = np.array([position[name] for name in names], dtype=np.int64)
    return torch.from_numpy(places[inverse])


def count_classes(targets: Tensor, classes: tuple[str, ...]) -> Mapping[str, int]:
    counts = torch.bincount(targets, minlength=len(classes)).tolist()
    return dict(zip(classes, counts, strict=True))


def _task(targets: npt.NDArray[Any] | None, task: str | None, names: tuple[str, ...]) -> tuple[Task, str]:
    if task is None:
        return _found_task(targets, names)
    known = [str(choice) for choice in Task]
    if task not in known:
        raise OptionError(f"task {task!r} is not known", hint=nearest(str(task), known))
    if task != Task.CLUSTERING and targets is None:
        raise DataError(f"the data has no labels, which {task} needs", hint="give labels, or task='clustering'")
    return Task(task), "set by the user"


def _found_task(targets: npt.NDArray[Any] | None, names: tuple[str, ...]) -> tuple[Task, str]:
    if targets is None:
        return Task.CLUSTERING, "the data has no labels"
    if names:
        return Task.CLASSIFICATION, f"the labels are {len(names)} named classes"
    if targets.dtype.kind not in "iuf" and not _all_numbers(targets):
        return Task.CLASSIFICATION, f"the labels are {'yes or no' if targets.dtype.kind == 'b' else 'text'}"
    return _task_of_numbers(targets.astype(np.float64))


def _task_of_numbers(numbers: npt.NDArray[np.float64]) -> tuple[Task, str]:
    """Few distinct whole numbers, and each several times, are classes."""
    if bool((numbers != np.floor(numbers)).any()):
        return Task.REGRESSION, "the labels are numbers with fractions"
    distinct = len(np.unique(numbers))
    most = min(max(_FEW_CLASSES, int(_SMALL_SHARE * len(numbers))), _MOST_CLASSES, max(2, len(numbers) // 2))
    task = Task.CLASSIFICATION if distinct <= most else Task.REGRESSION
    return task, f"the labels are whole numbers with {distinct:,} distinct values"


def _values(targets: npt.NDArray[Any], split: str) -> Tensor:
    try:
        values = targets.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"the labels of {split} are no numbers: {error}", hint="give task='classification'") from error
    return torch.from_numpy(values.astype(np.float32))


def _refuse_one_class(targets: npt.NDArray[Any]) -> None:
    present = np.unique(_texts(targets if targets.dtype.kind == "O" else np.unique(targets)))
    if len(present) < 2:
        only = f"only one, {str(present[0])!r}" if len(present) else "none"
        raise DataError(
            f"classification needs at least two classes, but the training labels have {only}",
            hint="add samples of another class, or give task='clustering'",
        )


def _refuse_negative(targets: npt.NDArray[Any]) -> None:
    if targets.dtype.kind in "if" and len(targets) and bool((targets < 0).any()):
        first = int(np.flatnonzero(targets < 0)[0])
        raise DataError(
            f"labels out of range: {targets[first]} at position {first}, but class labels start at 0",
            hint="give labels of 0 to K-1, text, or task='regression'",
        )


def _refuse_outside(outside: npt.NDArray[Any], classes: tuple[str, ...], split: str) -> None:
    if len(outside):
        shown = ", ".join(str(label) for label in np.unique(outside)[:_SHOWN])
        known = ", ".join(classes[:_SHOWN]) + (f", … ({len(classes)} in all)" if len(classes) > _SHOWN else "")
        raise DataError(
            f"labels out of range: {split} has {shown}, but the classes are {known}",
            hint="the classes are those of the training labels: correct the labels, or add training samples of them",
        )


def _names_of(targets: npt.NDArray[Any]) -> tuple[str, ...]:
    """Sorted: numbers by value, the rest as text."""
    if targets.dtype.kind in "iufb":
        return tuple(_number_name(value) for value in np.unique(targets).tolist())
    if _all_numbers(targets):
        return tuple(_number_name(value) for value in sorted(set(targets.tolist())))
    return tuple(str(name) for name in np.unique(_texts(targets)))


def _texts(targets: npt.NDArray[Any]) -> npt.NDArray[np.str_]:
    if targets.dtype.kind == "U":
        return targets
    return np.array([_number_name(value) for value in targets.tolist()], dtype=np.str_)


def _number_name(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _is_whole(targets: npt.NDArray[Any]) -> bool:
    if targets.dtype.kind == "f":
        return bool((targets == np.floor(targets)).all())
    return targets.dtype.kind in "iu"


def _all_numbers(targets: npt.NDArray[Any]) -> bool:
    return targets.dtype.kind == "O" and all(
        isinstance(value, int | float | np.number) and not isinstance(value, bool) for value in targets
    )


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True
