"""What a simple method reaches on the same data: the figure that a network has to beat.

Majority class and logistic regression, mean and ridge regression, or k-means on the raw input. On few samples and few
components, so that it costs a second or two whatever the data.
Shape legend: N samples, F flattened features, B batch, C clusters.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from naiad.trainer.data.dataset import Dataset, Split, Task
from naiad.trainer.model import metrics

TRAIN_SAMPLES = 4_000
TEST_SAMPLES = 10_000
COMPONENTS = 64
"""Wider inputs are projected on this many principal components."""
LARGEST_INPUT = 4_096
"""Wider inputs are thinned out to at most this many features first."""
UNKNOWN_CLUSTERS = 8
_BATCH_SIZE = 512

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True)
class _Part:
    """inputs: (N, F). targets: (N,)."""

    inputs: Matrix
    targets: npt.NDArray[Any] | None


def baseline(dataset: Dataset, *, seed: int) -> dict[str, Any]:
    """``{"split": "test", "rows": [{"name": "majority class", "metric": "accuracy", "value": 0.1}, …]}``, JSON-able.

    Learned on the training split, scored on the test split, or on the validation split where there is none.
    """
    split_name, split = ("test", dataset.test) if dataset.test else ("validation", dataset.validation)
    if not len(split):
        return {"split": split_name, "rows": []}
    train = _part(dataset, dataset.train, TRAIN_SAMPLES, seed)
    test = _part(dataset, split, TEST_SAMPLES, seed)
    match dataset.task:
        case Task.CLASSIFICATION:
            rows = _classification(train, test, seed)
        case Task.REGRESSION:
            rows = _regression(train, test, seed)
        case Task.CLUSTERING:
            rows = _clustering(train, test, clusters=len(dataset.classes), seed=seed)
    return {"split": split_name, "rows": rows}


def _row(name: str, metric: str, value: float) -> dict[str, Any]:
    return {"name": name, "metric": metric, "value": value if np.isfinite(value) else None}


def _classification(train: _Part, test: _Part, seed: int) -> list[dict[str, Any]]:
    assert train.targets is not None
    assert test.targets is not None
    majority = np.bincount(train.targets).argmax()
    rows = [_row("majority class", "accuracy", float((test.targets == majority).mean()))]
    if len(np.unique(train.targets)) > 1:
        model = make_pipeline(*_reduction(train, seed), LogisticRegression(max_iter=100))
        with _without_convergence_warnings():
            model.fit(train.inputs, train.targets)
        rows.append(_row("logistic regression", "accuracy", float(model.score(test.inputs, test.targets))))
    return rows


def _regression(train: _Part, test: _Part, seed: int) -> list[dict[str, Any]]:
    assert train.targets is not None
    assert test.targets is not None
    targets = torch.from_numpy(test.targets)
    mean = torch.full_like(targets, float(train.targets.mean()))
    model = make_pipeline(*_reduction(train, seed), Ridge()).fit(train.inputs, train.targets)
    ridge = torch.from_numpy(np.asarray(model.predict(test.inputs)))
    return [
        _row(name, metric, metrics.regression(values, targets)[metric])
        for name, values in (("mean", mean), ("ridge regression", ridge))
        for metric in ("r2", "rmse")
    ]


def _clustering(train: _Part, test: _Part, *, clusters: int, seed: int) -> list[dict[str, Any]]:
    """As many clusters as classes, or UNKNOWN_CLUSTERS where there are none."""
    name = "k-means on the raw input"
    count = min(clusters or UNKNOWN_CLUSTERS, len(train.inputs))
    with _without_convergence_warnings():
        means = KMeans(n_clusters=count, n_init=4, random_state=seed).fit(train.inputs)
    clusters_N = means.predict(test.inputs).astype(np.int64)
    rows = []
    if test.targets is not None:
        agreement = metrics.agreement(clusters_N, test.targets)
        rows += [_row(name, metric, value) for metric, value in agreement.items()]
    silhouette = metrics.silhouette(test.inputs, clusters_N)
    if silhouette is not None:
        rows.append(_row(name, "silhouette", silhouette))
    return rows


@contextmanager
def _without_convergence_warnings() -> Iterator[None]:
    """No word of what did not converge: a baseline need not be the best of its kind."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def _reduction(train: _Part, seed: int) -> list[Any]:
    samples, width = train.inputs.shape
    steps: list[Any] = [StandardScaler()]
    if width > COMPONENTS and samples > 1:
        steps.append(PCA(n_components=min(COMPONENTS, samples, width), random_state=seed, svd_solver="randomized"))
    return steps


@torch.no_grad()
def _part(dataset: Dataset, split: Split, limit: int, seed: int) -> _Part:
    """A seeded part of the split, as the network would be given it, flattened."""
    chosen = np.random.default_rng(seed).permutation(len(split))[:limit]
    indices_N = torch.from_numpy(np.sort(chosen))
    inputs = [
        _flat(dataset.features(split.samples.take(indices_B)).float())
        for indices_B in torch.split(indices_N, _BATCH_SIZE)
    ]
    targets = split.targets.index_select(0, indices_N).numpy() if split.targets is not None else None
    return _Part(np.nan_to_num(torch.cat(inputs).numpy()), targets)


def _flat(inputs: Tensor) -> Tensor:
    flat_BF = inputs.flatten(1)
    every = -(-flat_BF.shape[1] // LARGEST_INPUT)
    return flat_BF[:, ::every]
