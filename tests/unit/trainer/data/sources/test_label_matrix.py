"""Labels of several columns."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_matrix

from naiad.errors import DataError
from naiad.trainer.data.sources.label_matrix import read_labels


@pytest.mark.parametrize(
    "targets",
    [
        np.eye(3)[[2, 0, 1]],
        np.eye(3, dtype=bool)[[2, 0, 1]],
        torch.eye(3)[[2, 0, 1]],
        [torch.tensor([0, 0, 1]), torch.tensor([1, 0, 0]), torch.tensor([0, 1, 0])],
        np.eye(3, dtype=object)[[2, 0, 1]],
        csr_matrix(np.eye(3)[[2, 0, 1]]),
    ],
)
def test_one_hot_rows_are_classes(targets: Any) -> None:
    labels, findings = read_labels(targets)
    assert labels.tolist() == [2, 0, 1]
    assert [item.kind for item in findings.items] == ["one-hot-labels"]


def test_a_frames_columns_name_the_classes() -> None:
    labels, findings = read_labels(pd.DataFrame({"cat": [1, 0], "dog": [0, 1]}))
    assert labels.tolist() == ["cat", "dog"]
    assert "cat, dog" in findings.items[0].message


@pytest.mark.parametrize(
    "targets", [[1, 2, 3], np.array([[1], [2], [3]]), torch.tensor([[1], [2], [3]]), ["a", "b", "c"]]
)
def test_one_label_a_sample_stays_as_it_is(targets: Any) -> None:
    labels, findings = read_labels(targets)
    assert labels.tolist() in ([1, 2, 3], ["a", "b", "c"])
    assert not findings.items


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ([[1, 1, 0], [0, 0, 1]], "multi-label"),
        ([[0, 0], [0, 1]], "multi-label"),
        ([[0.25, 0.75], [0.5, 0.5]], "a probability for each class"),
        ([[1.5, 20.0], [2.5, 10.0]], "2 targets a sample"),
        (np.zeros((2, 3, 3)), "one label a sample"),
        ([["a", "b"], ["c", "d"]], "one label a sample"),
        ([[1], [1, 2]], "differ in shape"),
        ({"age": [1, 2], "sex": [0, 1]}, "several targets, age, sex"),
    ],
)
def test_several_labels_a_sample_are_refused_with_the_way_round(targets: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_labels(targets)


@pytest.mark.parametrize(
    "targets", [np.array([b"caf\xc3\xa9", b"tea"]), np.array([b"caf\xc3\xa9", "tea"], dtype=object)]
)
def test_bytes_are_text(targets: Any) -> None:
    assert read_labels(targets)[0].tolist() == ["café", "tea"]
