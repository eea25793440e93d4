"""Clusters of embeddings: scikit-learn's k-means, and a number of clusters chosen without any label.

Shape legend: N samples, D embedding size, C clusters.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from torch import Tensor, nn

from naiad.trainer.artifact.program import Nearest
from naiad.trainer.data.dataset import Split

MOST_CLUSTERS = 20
_SILHOUETTE_SAMPLES = 2_000


def raw_batches(split: Split, batch_size: int = 1024) -> Iterator[Tensor]:
    """The split's raw samples in order."""
    for first in range(0, len(split), batch_size):
        yield split.samples.take(torch.arange(first, min(first + batch_size, len(split))))


@torch.no_grad()
def embeddings(features: nn.Module, encode: nn.Module, split: Split) -> npt.NDArray[np.float32]:
    """(N, D) float32."""
    encode.eval()
    device = next((parameter.device for parameter in encode.parameters()), torch.device("cpu"))
    parts = [encode(features(raw.to(device))).float().cpu() for raw in raw_batches(split)]
    return torch.cat(parts).numpy()


def nearest_centre(embeddings_ND: npt.NDArray[np.float32], clusters: int | None, *, seed: int) -> Nearest:
    """k-means with ten starts. ``clusters`` None: the number with the best silhouette (Rousseeuw 1987), from 2 to 20."""
    count = clusters if clusters is not None else _best_count(embeddings_ND, seed)
    means = KMeans(n_clusters=min(count, len(embeddings_ND)), n_init=10, random_state=seed).fit(embeddings_ND)
    return Nearest(torch.from_numpy(means.cluster_centers_.astype(np.float32)))


def _best_count(embeddings_ND: npt.NDArray[np.float32], seed: int) -> int:
    chosen = np.random.default_rng(seed).permutation(len(embeddings_ND))[:_SILHOUETTE_SAMPLES]
    sample_ND = embeddings_ND[chosen]
    most = min(MOST_CLUSTERS, len(sample_ND) - 1)
    if most < 2:
        return 1
    return max(range(2, most + 1), key=lambda count: _silhouette(sample_ND, count, seed))


def _silhouette(sample_ND: npt.NDArray[np.float32], count: int, seed: int) -> float:
    labels_N = KMeans(n_clusters=count, n_init=3, random_state=seed).fit_predict(sample_ND)
    if len(set(labels_N.tolist())) < 2:
        return -1.0
    return float(silhouette_score(sample_ND, labels_N))
