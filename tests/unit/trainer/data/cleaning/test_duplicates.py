import numpy as np
import torch

from naiad.trainer.data.cleaning.checked import CheckedSplit, digests_of
from naiad.trainer.data.cleaning.duplicates import groups_of, told_copies, without_shared
from naiad.trainer.data.dataset import TensorSamples
from naiad.trainer.data.findings import Action


def split(values: list[int], targets: list[int]) -> CheckedSplit:
    tensor = torch.tensor(values, dtype=torch.float32).unsqueeze(1)
    return CheckedSplit(
        TensorSamples(tensor), np.array(targets), [f"s{i}" for i in range(len(values))], digests_of(tensor)
    )


def test_copies_are_told_and_contradictions_apart() -> None:
    findings = told_copies(split([1, 2, 1, 2, 3], [0, 0, 0, 1, 1]))
    assert [(item.kind, item.examples, item.action) for item in findings.items] == [
        ("exact-duplicate", ("s2", "s3"), Action.TOLD),
        ("conflicting-labels", ("s1", "s3"), Action.TOLD),
    ]
    assert told_copies(split([1, 2, 3], [0, 0, 1])).items == ()


def test_shared_samples_leave_training_only() -> None:
    train, test = split([1, 2, 3, 4, 5], [0, 1, 0, 1, 0]), split([2, 9], [1, 1])
    kept, findings = without_shared(train, {"test": test})
    assert list(kept.names) == ["s0", "s2", "s3", "s4"]
    assert findings.items[0].kind == "shared-with-test"
    assert [row.name for row in findings.quarantine] == ["s1"]


def test_sharing_that_is_too_common_is_only_told() -> None:
    train = split([1, 2, 3, 4], [0, 1, 0, 1])
    kept, findings = without_shared(train, {"validation": train})
    assert len(kept) == 4
    assert findings.items[0].action is Action.TOLD
    assert without_shared(split([1, 2, 3, 4], [0, 0, 0, 1]), {"test": split([4], [1])})[1].quarantine == ()


def test_groups() -> None:
    groups = groups_of(split([7, 8, 7, 9], [0, 0, 0, 0]).digests, 4)
    assert groups[0] == groups[2]
    assert len(set(groups.tolist())) == 3
    assert groups_of(None, 3).tolist() == [0, 1, 2]
    assert len(set(groups_of(split([1, 1, 1, 1], [0] * 4).digests, 4).tolist())) == 4
