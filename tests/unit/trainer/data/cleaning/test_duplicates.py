"""Exact copies within the training split, and shared with others."""

import numpy as np
import torch

from naiad.trainer.data.cleaning.cleaned_split import CleanedSplit
from naiad.trainer.data.cleaning.digests import digest_samples
from naiad.trainer.data.cleaning.duplicates import drop_shared_samples, duplicate_groups, find_duplicates
from naiad.trainer.data.dataset import TensorSamples
from naiad.trainer.data.findings import Action


def split(values: list[int], targets: list[int]) -> CleanedSplit:
    tensor = torch.tensor(values, dtype=torch.float32).unsqueeze(1)
    return CleanedSplit(
        TensorSamples(tensor), np.array(targets), [f"s{i}" for i in range(len(values))], digest_samples(tensor)
    )


def test_copies_and_contradicting_labels_are_reported() -> None:
    findings = find_duplicates(split([1, 2, 1, 2, 3], [0, 0, 0, 1, 1]))
    assert [(item.kind, item.examples, item.action) for item in findings.items] == [
        ("exact-duplicate", ("s2", "s3"), Action.REPORTED),
        ("conflicting-labels", ("s1", "s3"), Action.REPORTED),
    ]
    assert find_duplicates(split([1, 2, 3], [0, 0, 1])).items == ()


def test_shared_samples_are_dropped_from_training_only() -> None:
    train, test = split([1, 2, 3, 4, 5], [0, 1, 0, 1, 0]), split([2, 9], [1, 1])
    remaining, findings = drop_shared_samples(train, {"test": test})
    assert list(remaining.names) == ["s0", "s2", "s3", "s4"]
    assert findings.items[0].kind == "shared-with-test"
    assert [row.name for row in findings.quarantine] == ["s1"]


def test_too_many_shared_samples_are_only_reported() -> None:
    train = split([1, 2, 3, 4], [0, 1, 0, 1])
    remaining, findings = drop_shared_samples(train, {"validation": train})
    assert len(remaining) == 4
    assert findings.items[0].action is Action.REPORTED
    assert drop_shared_samples(split([1, 2, 3, 4], [0, 0, 0, 1]), {"test": split([4], [1])})[1].quarantine == ()


def test_groups() -> None:
    groups = duplicate_groups(split([7, 8, 7, 9], [0, 0, 0, 0]).digests, 4)
    assert groups[0] == groups[2]
    assert len(set(groups.tolist())) == 3
    assert duplicate_groups(None, 3).tolist() == [0, 1, 2]
    assert len(set(duplicate_groups(split([1, 1, 1, 1], [0] * 4).digests, 4).tolist())) == 4
