"""Labels: the task and the classes that are inferred, and the encoded targets."""

from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from naiad.errors import DataError, OptionError
from naiad.trainer.data.dataset import Task
from naiad.trainer.data.labels import TargetSchema, encode_targets, infer_target_schema

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
def test_the_task_is_inferred(targets: Labels | None, task: Task, classes: tuple[str, ...]) -> None:
    schema = infer_target_schema(targets, task=None)
    assert (schema.task, schema.classes) == (task, classes)
    assert schema.reason


def test_a_task_that_is_set_is_kept() -> None:
    assert infer_target_schema(np.arange(4), task="regression").task is Task.REGRESSION
    assert infer_target_schema(np.arange(4), task="classification").classes == ("0", "1", "2", "3")
    with pytest.raises(OptionError) as caught:
        infer_target_schema(np.arange(4), task="clasification")
    assert "classification" in str(caught.value.hint)


def test_labels_without_two_classes_are_an_error() -> None:
    with pytest.raises(DataError, match="at least two classes, but the training labels have only one, '0'"):
        infer_target_schema(np.zeros(8, int), task=None)


@pytest.mark.parametrize(
    ("targets", "classes"),
    [
        (np.array([1, -1] * 5), ("-1", "1")),
        (np.array([0, 1, -1] * 5), ("-1", "0", "1")),
        (np.array([1.0, -1.0] * 5), ("-1", "1")),
        (np.array([3, 1, 2] * 5), ("1", "2", "3")),
        (np.array([100, -5, 7] * 5, np.int8), ("-5", "7", "100")),
    ],
)
def test_whole_numbers_are_names_whatever_they_start_at(targets: Labels, classes: tuple[str, ...]) -> None:
    schema = infer_target_schema(targets, task=None)
    assert schema.classes == classes
    encoded = encode_targets(targets, schema, split="train")
    assert [int(classes[index]) for index in encoded.tolist()] == targets.tolist()


def encode(labels: list[object], classes: tuple[str, ...], *, labels_are_indices: bool = False) -> list[float]:
    schema = TargetSchema(Task.CLASSIFICATION, "", classes, labels_are_indices)
    return [float(value) for value in encode_targets(np.array(labels), schema, split="test").tolist()]


def test_targets() -> None:
    assert encode(["b", "a", "b"], ("a", "b")) == [1, 0, 1]
    assert encode([10, 2], ("2", "10")) == [1, 0]
    assert encode([1, 0], ("shirt", "coat"), labels_are_indices=True) == [1, 0]
    assert encode([1, 0], ("shirt", "coat")) == [1, 0]
    assert encode([1.0, 0.0], ("0", "1")) == [1, 0]


@pytest.mark.parametrize(
    ("labels", "classes", "labels_are_indices"),
    [
        ([2, 3], ("a", "b", "c"), False),
        ([0, 2], ("x", "y"), True),
        ([0, 2], ("0", "1"), False),
        (["c"], ("a", "b"), False),
        ([-1], ("x", "y"), True),
    ],
)
def test_labels_out_of_range(labels: list[object], classes: tuple[str, ...], labels_are_indices: bool) -> None:
    with pytest.raises(DataError, match="labels out of range"):
        encode(labels, classes, labels_are_indices=labels_are_indices)


@pytest.mark.parametrize("labels", [[1, 2], [2, 2], [1.0, 1.0]])
def test_numbers_without_a_zero_are_not_taken_for_places_of_named_classes(labels: list[object]) -> None:
    with pytest.raises(DataError, match=r"numbers from \d to \d without a 0, but the classes have names: a, b, c"):
        encode(labels, ("a", "b", "c"))


def test_letters_may_be_encoded_in_two_ways() -> None:
    schema = infer_target_schema(np.array(["bar", "caf\u00e9"]), task=None)
    assert encode_targets(np.array(["cafe\u0301", "bar"]), schema, split="test").tolist() == [1, 0]
    with pytest.raises(DataError, match="has CAFE"):
        encode_targets(np.array(["CAFE"]), schema, split="test")


def test_decimals_are_numbers() -> None:
    values = np.array([Decimal("1.25"), Decimal("2.5"), Decimal("-3.75")], dtype=object)
    schema = infer_target_schema(values, task=None)
    assert schema.task is Task.REGRESSION
    assert encode_targets(values, schema, split="train").tolist() == [1.25, 2.5, -3.75]


def test_numbers_whose_squares_overflow_are_refused() -> None:
    values = np.array([1e200, 2.5])
    schema = infer_target_schema(values, task="regression")
    with pytest.raises(DataError, match=r"reach 1e\+200, whose square float64 does not hold"):
        encode_targets(values, schema, split="train")


@pytest.mark.parametrize(
    ("classes", "labels"),
    [
        (("1", "2"), np.array(["1.0", "2.0"])),
        (("1", "2"), np.array(["1.00", "2"], dtype=object)),
        (("1.0", "2.0"), np.array(["1", "2"])),
        (("1.0", "2.0"), np.array([1, 2])),
        (("-1", "1"), np.array(["-1.0", "1.0"])),
    ],
)
def test_whole_numbers_may_be_written_with_a_point(classes, labels):
    schema = TargetSchema(Task.CLASSIFICATION, "", classes)
    assert encode_targets(labels, schema, split="test").tolist() == [0, 1]


@pytest.mark.parametrize(
    ("classes", "label"), [(("007", "1"), "7.0"), (("1", "1.0", "2"), "1.00"), (("1.5", "2"), "1.50")]
)
def test_codes_and_fractions_are_taken_as_they_are_written(classes, label):
    with pytest.raises(DataError, match="labels out of range"):
        encode_targets(np.array([label]), TargetSchema(Task.CLASSIFICATION, "", classes), split="test")
