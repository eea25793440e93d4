"""Missing labels and small classes."""

import numpy as np
import pytest
import torch

from naiad.errors import DataError
from naiad.trainer.data.cleaning.cleaned_split import CleanedSplit
from naiad.trainer.data.cleaning.label_checks import drop_missing_labels, find_small_classes, missing_label_mask
from naiad.trainer.data.dataset import TensorSamples


def cleaned(targets: list[object]) -> CleanedSplit:
    count = len(targets)
    names = [f"row {index}" for index in range(count)]
    return CleanedSplit(TensorSamples(torch.zeros(count, 2)), np.array(targets), names, None)


def test_missing_labels() -> None:
    assert missing_label_mask(np.array([1.0, np.nan])).tolist() == [False, True]
    assert missing_label_mask(np.array(["a", None, " ", float("nan")], dtype=object)).tolist() == [
        False,
        True,
        True,
        True,
    ]
    assert missing_label_mask(np.array(["a", ""])).tolist() == [False, True]


def test_samples_without_a_label_are_quarantined() -> None:
    labelled, findings = drop_missing_labels(cleaned([1.0, np.nan, 0.0]), split="train", labels_required=False)
    assert len(labelled) == 2
    assert findings.quarantine[0].name == "row 1"


@pytest.mark.parametrize(("targets", "labels_required"), [([1.0, np.nan, 0.0], True), ([np.nan, np.nan, 0.0], False)])
def test_too_many_missing_labels_are_an_error(targets: list[object], labels_required: bool) -> None:
    with pytest.raises(DataError, match=r"of 3 labels in train are missing or NaN, the first at row \d"):
        drop_missing_labels(cleaned(targets), split="train", labels_required=labels_required)


def test_small_and_empty_classes() -> None:
    findings = find_small_classes(np.array([0] * 9 + [2]), ("a", "b", "c"))
    assert [(item.kind, item.examples) for item in findings.items] == [
        ("empty-class", ("b",)),
        ("tiny-class", ("c: 1",)),
    ]
