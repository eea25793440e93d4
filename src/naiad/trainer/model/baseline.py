"""Scores of simple methods on the same data: the figures that a network has to beat.

The methods are the majority class and logistic regression, the mean and ridge regression, or k-means on the raw input. They use
few samples and few components, so that they take a second or two for any data; on one thread, as several would mostly wait for
each other on so little, most of all beside other programs.
Shape legend: N samples, F flattened features, B batch.
"""

import warnings
from collections.abc import Callable, Iterator
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
from threadpoolctl import threadpool_limits
from torch import Tensor

from naiad.trainer.data.dataset import Dataset, Split, Task
from naiad.trainer.model import metrics
from naiad.trainer.model.evaluate import metric_weights

TRAIN_SAMPLES = 4_000
TEST_SAMPLES = 10_000
COMPONENTS = 64
"""Principal components on which wider inputs are projected."""
LARGEST_INPUT = 4_096
"""Most features of an input; of wider inputs only every n-th feature is used."""
UNKNOWN_CLUSTERS = 8
_BATCH_SIZE = 512

Matrix = npt.NDArray[np.float32]
_Predict = Callable[[Matrix], npt.NDArray[Any]]


@dataclass(frozen=True)
class _Sample:
    """A random sample of a split."""

    inputs: Matrix
    """(N, F)."""
    targets: npt.NDArray[Any] | None
    """(N,)."""
    weights: npt.NDArray[np.float64] | None = None
    """(N,) weights in the loss and the metrics; None where all samples count alike."""

    def known_targets(self) -> npt.NDArray[Any]:
        assert self.targets is not None  # reason: only clustering data has none
        return self.targets


def compute_baseline(dataset: Dataset, *, seed: int) -> dict[str, Any]:
    """Plain JSON: ``{"split": "test", "rows": [{"name": "majority class", "metric": "accuracy", "value": 0.1}, …]}``.

    The methods learn from the training split; the test split scores them, or the validation split where there is no test split.
    ``validation`` has the rows of the validation split, by which ``find_better_method`` compares; a clustering has none.
    """
    split_name, split = ("test", dataset.test) if dataset.test else ("validation", dataset.validation)
    if not len(split):
        return {"split": split_name, "rows": [], "validation": []}
    with threadpool_limits(limits=1):
        return _compare_methods(dataset, split_name, split, seed)


def find_better_method(baseline: dict[str, Any], validation: dict[str, Any]) -> str | None:
    """Returns a sentence on the simple method that scores higher than the network on the validation split; None where none does.

    validation: the network's ``Evaluation.to_json()`` there.
    """
    metric, reached = validation["headline"]["metric"], validation["headline"]["value"]
    scored = [row for row in baseline.get("validation", []) if row["metric"] == metric and row["value"] is not None]
    best = max(scored, key=lambda row: row["value"], default=None)
    if best is None or reached is None or best["value"] <= reached:
        return None
    return (
        f"{best['name']} validates better than the network: {metric} {best['value']:.4f} against {reached:.4f}, "
        f"on {validation['samples']:,} samples"
    )


def _compare_methods(dataset: Dataset, split_name: str, split: Split, seed: int) -> dict[str, Any]:
    train = _take_sample(dataset, dataset.train, TRAIN_SAMPLES, seed)
    test = _take_sample(dataset, split, TEST_SAMPLES, seed)
    if dataset.task is Task.CLUSTERING:
        rows = _clustering_rows(train, test, clusters=len(dataset.classes), seed=seed)
        return {"split": split_name, "rows": rows, "validation": []}
    methods = _fit_methods(train, dataset.task, seed)
    rows = _score_methods(methods, test, dataset.task)
    if split_name == "validation":
        return {"split": split_name, "rows": rows, "validation": rows}
    validation = _take_sample(dataset, dataset.validation, TEST_SAMPLES, seed) if dataset.validation else None
    checked = [] if validation is None else _score_methods(methods, validation, dataset.task)
    return {"split": split_name, "rows": rows, "validation": checked}


def _row(name: str, metric: str, value: float) -> dict[str, Any]:
    return {"name": name, "metric": metric, "value": value if np.isfinite(value) else None}


def _fit_methods(train: _Sample, task: Task, seed: int) -> list[tuple[str, _Predict]]:
    """Returns the trivial method and the linear one, by name."""
    targets = train.known_targets()
    if task is Task.REGRESSION:
        ridge = make_pipeline(*_reduction(train, seed), Ridge())
        ridge.fit(train.inputs, targets, ridge__sample_weight=train.weights)
        return [
            ("mean", _constant(float(np.average(targets, weights=train.weights)))),
            ("ridge regression", ridge.predict),
        ]
    majority = ("majority class", _constant(np.bincount(targets, train.weights).argmax()))
    if len(np.unique(targets)) < 2:
        return [majority]
    model = make_pipeline(*_reduction(train, seed), LogisticRegression(max_iter=100))
    with _without_convergence_warnings():
        model.fit(train.inputs, targets, logisticregression__sample_weight=train.weights)
    return [majority, ("logistic regression", model.predict)]


def _constant(value: Any) -> _Predict:
    return lambda inputs: np.full(len(inputs), value)


def _score_methods(methods: list[tuple[str, _Predict]], sample: _Sample, task: Task) -> list[dict[str, Any]]:
    targets, rows = sample.known_targets(), []
    weights = None if sample.weights is None else torch.from_numpy(sample.weights)
    for name, predict in methods:
        predicted = np.asarray(predict(sample.inputs))
        if task is Task.CLASSIFICATION:
            rows.append(_row(name, "accuracy", float(np.average(predicted == targets, weights=sample.weights))))
            continue
        values = torch.from_numpy(predicted.astype(np.float64))
        scores = metrics.regression(values, torch.from_numpy(targets), weights)
        rows += [_row(name, metric, scores[metric]) for metric in ("r2", "rmse")]
    return rows


def _clustering_rows(train: _Sample, test: _Sample, *, clusters: int, seed: int) -> list[dict[str, Any]]:
    """Makes as many clusters as there are classes, or UNKNOWN_CLUSTERS where there are none."""
    name = "k-means on the raw input"
    count = min(clusters or UNKNOWN_CLUSTERS, len(train.inputs))
    with _without_convergence_warnings():
        means = KMeans(n_clusters=count, n_init=4, random_state=seed).fit(train.inputs)
    clusters_N = means.predict(test.inputs).astype(np.int64)
    rows = []
    if test.targets is not None:
        agreement = metrics.cluster_agreement(clusters_N, test.targets)
        rows += [_row(name, metric, value) for metric, value in agreement.items()]
    silhouette = metrics.silhouette(test.inputs, clusters_N)
    if silhouette is not None:
        rows.append(_row(name, "silhouette", silhouette))
    return rows


@contextmanager
def _without_convergence_warnings() -> Iterator[None]:
    """Suppresses warnings: a baseline need not have converged."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def _reduction(train: _Sample, seed: int) -> list[Any]:
    """The first steps of a pipeline: scaling, and fewer components where the input is wide."""
    samples, width = train.inputs.shape
    steps: list[Any] = [StandardScaler()]
    if width > COMPONENTS and samples > 1:
        steps.append(PCA(n_components=min(COMPONENTS, samples, width), random_state=seed, svd_solver="randomized"))
    return steps


@torch.no_grad()
def _take_sample(dataset: Dataset, split: Split, limit: int, seed: int) -> _Sample:
    """Random samples of the split, ``limit`` or fewer, as network inputs, flattened."""
    chosen = np.random.default_rng(seed).permutation(len(split))[:limit]
    indices_N = torch.from_numpy(np.sort(chosen))
    inputs = [
        _flatten(dataset.features(split.samples.take(indices_B)).float())
        for indices_B in torch.split(indices_N, _BATCH_SIZE)
    ]
    targets = split.targets.index_select(0, indices_N).numpy() if split.targets is not None else None
    weights = None if split.weights is None else metric_weights(split.weights.index_select(0, indices_N))
    return _Sample(np.nan_to_num(torch.cat(inputs).numpy()), targets, None if weights is None else weights.numpy())


def _flatten(inputs: Tensor) -> Tensor:
    flat_BF = inputs.flatten(1)
    stride = -(-flat_BF.shape[1] // LARGEST_INPUT)
    return flat_BF[:, ::stride]
