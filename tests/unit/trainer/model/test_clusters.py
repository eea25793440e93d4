"""k-means on embeddings, and the number of clusters."""

import numpy as np
import pytest
import torch
from torch import nn

from naiad.trainer.model.clusters import compute_embeddings, fit_centroids, raw_batches


@pytest.fixture
def groups():
    """Points (90, 2) of three tight groups far apart, one group after the other."""
    centres = np.array([[0, 0], [10, 0], [0, 10]], dtype=np.float32)
    return centres[np.arange(90) % 3] + np.random.default_rng(0).normal(0, 0.3, (90, 2)).astype(np.float32)


def test_the_number_of_clusters_is_found_by_silhouette(groups):
    head = fit_centroids(groups, None, seed=0)
    clusters = head(torch.from_numpy(groups)).argmax(dim=1)
    assert head.centres.shape == (3, 2)
    assert len(set(clusters[::3].tolist())) == len(set(clusters[1::3].tolist())) == 1


def test_a_given_number_of_clusters_is_used(groups):
    assert fit_centroids(groups, 5, seed=0).centres.shape == (5, 2)
    assert fit_centroids(groups[:4], 9, seed=0).centres.shape == (4, 2)


def test_two_samples_are_one_cluster(groups):
    assert fit_centroids(groups[:2], None, seed=0).centres.shape == (1, 2)


def test_embeddings_are_in_the_order_of_the_samples(blobs):
    embeddings = compute_embeddings(nn.Identity(), nn.Identity(), blobs.train)
    assert np.array_equal(embeddings, blobs.train.samples.tensor.numpy())


def test_batches_cover_the_split_once(blobs):
    batches = list(raw_batches(blobs.train, 30))
    assert [len(batch) for batch in batches] == [30, 30, 30, 10]
    assert torch.equal(torch.cat(batches), blobs.train.samples.tensor)
