"""Evaluates a program on a split: loss, the task's metrics, scores of each class, confusion matrix.

Shape legend: N samples, B batch, K classes, D embedding size.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from naiad.errors import DataError
from naiad.trainer.artifact.program import Encoder, Program, to_scores
from naiad.trainer.data.dataset import Split, Task
from naiad.trainer.model import metrics

BATCH_SIZE = 128
"""Samples of a forward pass: a CPU is fastest where a batch stays in its caches."""
_HEADLINES = ("accuracy", "r2", "nmi", "silhouette")


@dataclass(frozen=True)
class ClassScore:
    """Scores of one class; ``support`` is its number of samples."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Evaluation:
    """Results on a split. All means are over samples, never over batches; each sample is as heavy as its weight, if it has one.

    The metrics of a classification are ``accuracy``, ``f1_macro``, ``top5_accuracy`` (from 6 classes on);
    of a regression ``r2``, ``mae``, ``rmse``; of a clustering ``nmi`` and ``ari`` when there are labels, and ``silhouette``.
    """

    task: Task
    samples: int
    loss: float
    """Cross-entropy in nats, or mean squared error in the target's units squared.

    A clustering has the autoencoder's mean squared reconstruction error in units of the features. A program that was loaded
    from ``program.pt2`` has no autoencoder that can be called; its loss is the mean of 1 - the highest score.
    """
    metrics: dict[str, float]
    per_class: tuple[ClassScore, ...]
    confusion: npt.NDArray[np.int64] | None
    """(K, K): row is the true class, column the predicted one. It counts samples, whatever they weigh, as ``per_class`` does."""
    scores: npt.NDArray[np.float32 | np.float64]
    """(N, K) probabilities, (N,) values for regression, (N, clusters) for clustering."""

    @property
    def headline(self) -> tuple[str, float]:
        """Name and value of the main metric: accuracy, r2, nmi or silhouette; of the loss where there is none of them."""
        name = next((name for name in _HEADLINES if name in self.metrics), None)
        return (name, self.metrics[name]) if name is not None else ("loss", self.loss)

    def to_json(self) -> dict[str, Any]:
        """All but ``scores`` as plain JSON. A number that is not finite is None."""
        name, value = self.headline
        return {
            "task": self.task.value,
            "samples": self.samples,
            "loss": _none_unless_finite(self.loss),
            "headline": {"metric": name, "value": _none_unless_finite(value)},
            "metrics": {name: _none_unless_finite(value) for name, value in self.metrics.items()},
            "per_class": [asdict(score) for score in self.per_class],
            "confusion": None if self.confusion is None else self.confusion.tolist(),
        }


def evaluate(
    program: nn.Module, split: Split, *, task: Task, classes: tuple[str, ...], batch_size: int = BATCH_SIZE
) -> Evaluation:
    """Evaluates ``program``, which takes raw samples and gives scores (see ``program.py``). Its modules keep their modes.

    Raises DataError when ``split`` is empty, or has no targets and the task needs them.
    """
    if len(split) == 0:
        raise DataError("there are no samples to test on", hint="give a split that has at least one sample")
    targets = split.targets.cpu() if split.targets is not None else None
    if task is Task.CLUSTERING:
        return _score_clustering(_compute_outputs(program, split, batch_size), targets)
    if targets is None:
        raise DataError(
            f"the samples have no targets, and {task.value} is scored against them", hint="give data with its labels"
        )
    scores, weights = _compute_outputs(program, split, batch_size).scores, metric_weights(split.weights)
    if task is Task.CLASSIFICATION:
        return score_classification(scores, targets, classes, weights)
    return _score_regression(scores, targets, weights)


def metric_weights(weights_N: Tensor | None) -> Tensor | None:
    """Returns a split's weights in float64; None where it has none, or none above 0: then all samples count alike."""
    return weights_N.cpu().double() if weights_N is not None and bool(weights_N.any()) else None


# ---- the pass over the split


@dataclass(frozen=True)
class _Outputs:
    scores: Tensor
    embeddings: Tensor | None = None
    """(N, D); only of a clustering program whose encoder can be called."""
    squared_error: float | None = None
    """Mean over samples of the reconstruction error of the same."""


@contextmanager
def _eval_mode(program: nn.Module) -> Iterator[None]:
    """Eval mode without gradients inside the block."""
    modes = [(module, module.training) for module in program.modules()]
    with suppress(NotImplementedError):  # an exported program has no mode
        program.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        for module, training in modes:
            module.training = training


def _compute_outputs(program: nn.Module, split: Split, batch_size: int) -> _Outputs:
    batches = _batches(split, batch_size, _device(program))
    with _eval_mode(program):
        if isinstance(program, Program) and isinstance(program.net, Encoder):
            return _compute_clustering_outputs(program, program.net, batches, len(split))
        return _Outputs(torch.cat([to_scores(program(raw)).cpu() for raw in batches]))


def _compute_clustering_outputs(
    program: Program, encoder: Encoder, batches: Iterator[Tensor], samples: int
) -> _Outputs:
    scores, embeddings, error = [], [], 0.0
    for raw in batches:
        inputs = program.features(raw)
        embedding_BD = encoder(inputs)
        scores.append(program.head(embedding_BD).float().cpu())
        embeddings.append(embedding_BD.float().cpu())
        difference = encoder.autoencoder(inputs) - inputs
        error += float(difference.square().flatten(1).mean(dim=1).double().sum())
    return _Outputs(torch.cat(scores), torch.cat(embeddings), error / samples)


def _batches(split: Split, batch_size: int, device: torch.device) -> Iterator[Tensor]:
    for first in range(0, len(split), batch_size):
        indices_B = torch.arange(first, min(first + batch_size, len(split)))
        yield split.samples.take(indices_B).to(device)


def _device(program: nn.Module) -> torch.device:
    tensors = (*program.parameters(), *program.buffers())
    return tensors[0].device if tensors else torch.device("cpu")


# ---- the scores of each task


def score_classification(
    scores_NK: Tensor, targets_N: Tensor, classes: tuple[str, ...], weights_N: Tensor | None = None
) -> Evaluation:
    """Evaluation of probabilities (N, K) against class indices (N,). Raises DataError for an index without a class."""
    low, high = int(targets_N.min()), int(targets_N.max())
    if low < 0 or high >= len(classes):
        raise DataError(
            f"targets run from {low} to {high}, and there are {len(classes)} classes",
            hint=f"targets are class indices from 0 to {len(classes) - 1}",
        )
    predicted_N = scores_NK.argmax(dim=1)
    confusion_KK = metrics.confusion_matrix(targets_N, predicted_N, len(classes))
    weighted_KK: npt.NDArray[Any] = confusion_KK
    if weights_N is not None:
        weighted_KK = metrics.weighted_confusion_matrix(targets_N, predicted_N, weights_N, len(classes))
    columns = zip(classes, *metrics.class_scores(confusion_KK), confusion_KK.sum(axis=1), strict=True)
    return Evaluation(
        task=Task.CLASSIFICATION,
        samples=len(targets_N),
        loss=metrics.negative_log_likelihood(scores_NK, targets_N, weights_N),
        metrics=metrics.classification(scores_NK, targets_N, weighted_KK, weights_N),
        per_class=tuple(ClassScore(name, float(p), float(r), float(f), int(n)) for name, p, r, f, n in columns),
        confusion=confusion_KK,
        scores=scores_NK.numpy(),
    )


def _score_regression(scores: Tensor, targets_N: Tensor, weights_N: Tensor | None) -> Evaluation:
    values_N = scores.flatten()
    squares_N = (values_N.double() - targets_N.double()).square()
    return Evaluation(
        task=Task.REGRESSION,
        samples=len(targets_N),
        loss=metrics.mean_over_samples(squares_N, weights_N),
        metrics=metrics.regression(values_N, targets_N, weights_N),
        per_class=(),
        confusion=None,
        scores=values_N.numpy(),
    )


def _score_clustering(outputs: _Outputs, targets_N: Tensor | None) -> Evaluation:
    scores = outputs.scores
    clusters_N = scores.argmax(dim=1).numpy()
    scored = metrics.cluster_agreement(clusters_N, targets_N.numpy()) if targets_N is not None else {}
    if outputs.embeddings is not None:
        silhouette = metrics.silhouette(outputs.embeddings.numpy(), clusters_N)
        scored |= {"silhouette": silhouette} if silhouette is not None else {}
    error = outputs.squared_error
    return Evaluation(
        task=Task.CLUSTERING,
        samples=len(scores),
        loss=error if error is not None else float((1 - scores.amax(dim=1)).double().mean()),
        metrics=scored,
        per_class=(),
        confusion=None,
        scores=scores.numpy(),
    )


def _none_unless_finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
