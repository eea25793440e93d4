"""Clusters of embeddings by scikit-learn's k-means, and a number of clusters that is chosen without labels.

Shape legend: N samples, D embedding size, C clusters.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from torch import Tensor, nn

from naiad.trainer.artifact.program import CentroidHead
from naiad.trainer.data.dataset import Split

MAX_CLUSTERS = 20
_SILHOUETTE_SAMPLES = 2_000


def raw_batches(split: Split, batch_size: int = 1024) -> Iterator[Tensor]:
    """Yields the split's raw samples in order."""
    for first in range(0, len(split), batch_size):
        yield split.samples.take(torch.arange(first, min(first + batch_size, len(split))))


@torch.no_grad()
def compute_embeddings(features: nn.Module, encoder: nn.Module, split: Split) -> npt.NDArray[np.float32]:
    """float32 (N, D). The encoder stays in eval mode."""
    encoder.eval()
    device = next((parameter.device for parameter in encoder.parameters()), torch.device("cpu"))
    batches = [encoder(features(raw.to(device))).float().cpu() for raw in raw_batches(split)]
    return torch.cat(batches).numpy()


def fit_centroids(embeddings_ND: npt.NDArray[np.float32], clusters: int | None, *, seed: int) -> CentroidHead:
    """A head with the centroids of k-means with ten starts.

    clusters: None chooses the number from 2 to 20 that has the best silhouette (Rousseeuw 1987).
    """
    count = clusters if clusters is not None else _best_count(embeddings_ND, seed)
    means = KMeans(n_clusters=min(count, len(embeddings_ND)), n_init=10, random_state=seed).fit(embeddings_ND)
    return CentroidHead(torch.from_numpy(means.cluster_centers_.astype(np.float32)))


def _best_count(embeddings_ND: npt.NDArray[np.float32], seed: int) -> int:
    chosen = np.random.default_rng(seed).permutation(len(embeddings_ND))[:_SILHOUETTE_SAMPLES]
    sample_ND = embeddings_ND[chosen]
    most = min(MAX_CLUSTERS, len(sample_ND) - 1)
    if most < 2:
        return 1
    return max(range(2, most + 1), key=lambda count: _silhouette(sample_ND, count, seed))


def _silhouette(sample_ND: npt.NDArray[np.float32], count: int, seed: int) -> float:
    labels_N = KMeans(n_clusters=count, n_init=3, random_state=seed).fit_predict(sample_ND)
    if len(set(labels_N.tolist())) < 2:
        return -1.0
    return float(silhouette_score(sample_ND, labels_N))
