from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from naiad.errors import DataError, OptionError
from naiad.trainer.data.dataset import Task
from naiad.trainer.data.labels import encode_targets, labelling

Labels = npt.NDArray[Any]


@pytest.mark.parametrize(
    ("targets", "task", "classes"),
    [
        (None, Task.CLUSTERING, ()),
        (np.array(["b", "a"]), Task.CLASSIFICATION, ("a", "b")),
        (np.array([True, False]), Task.CLASSIFICATION, ("False", "True")),
        (np.array([2, 10, 1] * 5), Task.CLASSIFICATION, ("1", "2", "10")),
        (np.array([1.0, 0.0] * 5), Task.CLASSIFICATION, ("0", "1")),
        (np.array([0.5, 1.0]), Task.REGRESSION, ()),
        (np.arange(100), Task.REGRESSION, ()),
        (np.arange(12), Task.REGRESSION, ()),
    ],
)
def test_the_task_is_found(targets: Labels | None, task: Task, classes: tuple[str, ...]) -> None:
    meaning = labelling(targets, task=None)
    assert (meaning.task, meaning.classes) == (task, classes)
    assert meaning.reason


def test_a_task_that_is_set_is_kept() -> None:
    assert labelling(np.arange(4), task="regression").task is Task.REGRESSION
    assert labelling(np.arange(4), task="classification").classes == ("0", "1", "2", "3")
    with pytest.raises(OptionError) as caught:
        labelling(np.arange(4), task="clasification")
    assert "classification" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("targets", "trouble"),
    [
        (np.zeros(8, int), "at least two classes, but the training labels have only one, '0'"),
        (np.array([0, -1] * 5), "out of range: -1 at position 1"),
    ],
)
def test_labels_that_are_refused(targets: Labels, trouble: str) -> None:
    with pytest.raises(DataError, match=trouble):
        labelling(targets, task=None)


def encoded(targets: list[object], classes: tuple[str, ...], *, named: bool = False) -> list[float]:
    tensor = encode_targets(np.array(targets), task=Task.CLASSIFICATION, classes=classes, named=named, split="test")
    return [float(value) for value in tensor.tolist()]


def test_targets() -> None:
    assert encoded(["b", "a", "b"], ("a", "b")) == [1, 0, 1]
    assert encoded([10, 2], ("2", "10")) == [1, 0]
    assert encoded([1, 0], ("shirt", "coat"), named=True) == [1, 0]
    assert encoded([1, 0], ("shirt", "coat")) == [1, 0]
    assert encoded([1.0, 0.0], ("0", "1")) == [1, 0]


@pytest.mark.parametrize(
    ("targets", "classes", "named"),
    [([0, 2], ("x", "y"), True), ([0, 2], ("0", "1"), False), (["c"], ("a", "b"), False), ([-1], ("x", "y"), True)],
)
def test_labels_out_of_range(targets: list[object], classes: tuple[str, ...], named: bool) -> None:
    with pytest.raises(DataError, match="labels out of range"):
        encoded(targets, classes, named=named)
