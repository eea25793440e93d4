"""k-means on embeddings, and how many clusters."""

import numpy as np
import pytest
import torch
from torch import nn

from naiad.trainer.model.clusters import embeddings, nearest_centre, raw_batches


@pytest.fixture
def groups():
    """(90, 2): three tight groups far apart, in turn."""
    centres = np.array([[0, 0], [10, 0], [0, 10]], dtype=np.float32)
    return centres[np.arange(90) % 3] + np.random.default_rng(0).normal(0, 0.3, (90, 2)).astype(np.float32)


def test_the_number_is_found_by_silhouette(groups):
    head = nearest_centre(groups, None, seed=0)
    found = head(torch.from_numpy(groups)).argmax(dim=1)
    assert head.centres.shape == (3, 2)
    assert len(set(found[::3].tolist())) == len(set(found[1::3].tolist())) == 1


def test_the_number_that_is_asked_for(groups):
    assert nearest_centre(groups, 5, seed=0).centres.shape == (5, 2)
    assert nearest_centre(groups[:4], 9, seed=0).centres.shape == (4, 2)


def test_two_samples_are_one_cluster(groups):
    assert nearest_centre(groups[:2], None, seed=0).centres.shape == (1, 2)


def test_embeddings_are_in_the_order_of_the_samples(blobs):
    found = embeddings(nn.Identity(), nn.Identity(), blobs.train)
    assert np.array_equal(found, blobs.train.samples.tensor.numpy())


def test_batches_cover_the_split_once(blobs):
    parts = list(raw_batches(blobs.train, 30))
    assert [len(part) for part in parts] == [30, 30, 30, 10]
    assert torch.equal(torch.cat(parts), blobs.train.samples.tensor)
