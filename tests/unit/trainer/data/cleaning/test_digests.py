"""Digests of samples: equal for equal bytes, different for others."""

import numpy as np
import pytest
import torch

from naiad.trainer.data.cleaning.digests import digest_samples


def test_equal_bytes_have_equal_digests():
    values = torch.tensor([[1.0, 2.0], [1.0, 2.0], [2.0, 1.0]])
    first, same, other = digest_samples(values).tolist()
    assert first == same != other


@pytest.mark.parametrize(
    ("dtype", "shape"), [(torch.uint8, (3, 5, 7)), (torch.float32, (11,)), (torch.int64, (2, 2)), (torch.float64, ())]
)
def test_one_changed_byte_changes_the_digest_and_its_position_counts(dtype, shape):
    rows = torch.zeros((1200, *shape), dtype=dtype).view(1200, -1)
    rows[1, 0], rows[2, -1], rows[1199, 0] = 128, 128, 128
    digests = digest_samples(rows.view(1200, *shape))
    expected = {0, 1} if rows.shape[1] == 1 else {0, 1, 2}
    assert len(np.unique(digests)) == len(expected)
    assert digests[1199] == digests[1] != digests[0] == digests[1198]


def test_two_high_bits_do_not_cancel():
    values = torch.zeros((4, 784), dtype=torch.uint8)
    values[1, 7], values[1, 15] = 128, 128
    values[2, 7], values[3, 15] = 128, 128
    assert len(np.unique(digest_samples(values))) == 4


def test_samples_without_values_are_equal():
    assert len(np.unique(digest_samples(torch.zeros((3, 0))))) == 1


def test_an_axis_that_was_added_has_digests_too():
    assert len(set(digest_samples(torch.from_numpy(np.arange(4.0)[:, None])).tolist())) == 4
