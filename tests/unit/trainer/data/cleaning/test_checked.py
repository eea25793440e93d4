"""A checked split keeps samples, targets, names and digests together."""

import numpy as np
import pytest
import torch

from naiad.trainer.data.cleaning.checked import CheckedSplit, chosen, digests_of, report
from naiad.trainer.data.dataset import TensorSamples
from naiad.trainer.data.findings import Action


def split():
    values = torch.arange(8, dtype=torch.float32).reshape(4, 2)
    return CheckedSplit(TensorSamples(values), np.array([0, 1, 0, 1]), ["a", "b", "c", "d"], digests_of(values))


def test_what_is_kept_stays_in_step():
    kept = split().keep(np.array([True, False, False, True]))
    assert kept.names == ["a", "d"]
    assert kept.targets.tolist() == [0, 1]
    assert kept.samples.tensor.tolist() == [[0, 1], [6, 7]]
    assert kept.digests.tolist() == split().digests[[0, 3]].tolist()


def test_keeping_all_copies_nothing():
    whole = split()
    assert whole.keep(np.ones(4, bool)) is whole


def test_digests_tell_bytes_apart():
    values = torch.tensor([[1.0, 2.0], [1.0, 2.0], [2.0, 1.0]])
    first, same, other = digests_of(values).tolist()
    assert first == same != other


@pytest.mark.parametrize(
    ("dtype", "shape"), [(torch.uint8, (3, 5, 7)), (torch.float32, (11,)), (torch.int64, (2, 2)), (torch.float64, ())]
)
def test_one_changed_byte_is_another_digest_and_position_counts(dtype, shape):
    rows = torch.zeros((1200, *shape), dtype=dtype).view(1200, -1)
    rows[1, 0], rows[2, -1], rows[1199, 0] = 128, 128, 128
    digests = digests_of(rows.view(1200, *shape))
    expected = {0, 1} if rows.shape[1] == 1 else {0, 1, 2}
    assert len(np.unique(digests)) == len(expected)
    assert digests[1199] == digests[1] != digests[0] == digests[1198]


def test_two_high_bits_do_not_cancel():
    values = torch.zeros((4, 784), dtype=torch.uint8)
    values[1, 7], values[1, 15] = 128, 128
    values[2, 7], values[3, 15] = 128, 128
    assert len(np.unique(digests_of(values))) == 4


def test_samples_without_a_value_are_equal():
    assert len(np.unique(digests_of(torch.zeros((3, 0))))) == 1


def test_a_report_has_five_examples_and_a_row_of_quarantine_for_each_that_is_left_out():
    names = [f"n{index}" for index in range(8)]
    findings = report("odd", "train", names, Action.LEFT_OUT, "odd ones")
    assert findings.items[0].count == 8
    assert findings.items[0].examples == tuple(names[:5])
    assert [row.name for row in findings.quarantine] == names
    assert report("odd", "train", names, Action.TOLD, "odd ones").quarantine == ()
    assert report("odd", "train", [], Action.TOLD, "odd ones").items == ()


def test_chosen_names():
    assert chosen(["a", "b", "c"], np.array([True, False, True])) == ["a", "c"]
