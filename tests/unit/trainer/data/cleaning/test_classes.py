import numpy as np
import pytest
import torch

from naiad.errors import DataError
from naiad.trainer.data.cleaning.checked import CheckedSplit
from naiad.trainer.data.cleaning.classes import missing_labels, tiny_classes, without_missing_labels
from naiad.trainer.data.dataset import TensorSamples


def checked(targets: list[object]) -> CheckedSplit:
    count = len(targets)
    names = [f"row {index}" for index in range(count)]
    return CheckedSplit(TensorSamples(torch.zeros(count, 2)), np.array(targets), names, None)


def test_missing_labels() -> None:
    assert missing_labels(np.array([1.0, np.nan])).tolist() == [False, True]
    assert missing_labels(np.array(["a", None, " ", float("nan")], dtype=object)).tolist() == [False, True, True, True]
    assert missing_labels(np.array(["a", ""])).tolist() == [False, True]


def test_gaps_are_left_out() -> None:
    kept, findings = without_missing_labels(checked([1.0, np.nan, 0.0]), split="train", must_be_whole=False)
    assert len(kept) == 2
    assert findings.quarantine[0].name == "row 1"


@pytest.mark.parametrize(("targets", "whole"), [([1.0, np.nan, 0.0], True), ([np.nan, np.nan, 0.0], False)])
def test_refused(targets: list[object], whole: bool) -> None:
    with pytest.raises(DataError, match=r"of 3 labels in train are missing or NaN, the first at row \d"):
        without_missing_labels(checked(targets), split="train", must_be_whole=whole)


def test_tiny_and_empty_classes() -> None:
    findings = tiny_classes(np.array([0] * 9 + [2]), ("a", "b", "c"))
    assert [(item.kind, item.examples) for item in findings.items] == [
        ("empty-class", ("b",)),
        ("tiny-class", ("c: 1",)),
    ]
