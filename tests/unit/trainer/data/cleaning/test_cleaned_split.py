"""A cleaned split keeps samples, labels, names and digests together."""

import numpy as np
import torch

from naiad.trainer.data.cleaning.cleaned_split import CleanedSplit, select_names
from naiad.trainer.data.cleaning.digests import digest_samples
from naiad.trainer.data.dataset import TensorSamples


def split():
    values = torch.arange(8, dtype=torch.float32).reshape(4, 2)
    return CleanedSplit(TensorSamples(values), np.array([0, 1, 0, 1]), ["a", "b", "c", "d"], digest_samples(values))


def test_all_parts_are_selected_alike():
    part = split().keep(np.array([True, False, False, True]))
    assert part.names == ["a", "d"]
    assert part.targets.tolist() == [0, 1]
    assert part.samples.tensor.tolist() == [[0, 1], [6, 7]]
    assert part.digests.tolist() == split().digests[[0, 3]].tolist()


def test_keeping_all_copies_nothing():
    whole = split()
    assert whole.keep(np.ones(4, bool)) is whole


def test_names_are_selected_by_a_mask():
    assert select_names(["a", "b", "c"], np.array([True, False, True])) == ["a", "c"]
