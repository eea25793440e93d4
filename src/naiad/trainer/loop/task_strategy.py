"""The differences between tasks in a run: the targets to learn, the program's head, and the score to watch.

There is one strategy for each task; the loop and ``fit`` do not know which one they use.
"""

from dataclasses import dataclass, field, replace
from typing import Protocol

import torch
from torch import Tensor, nn

from naiad.trainer.artifact.program import BlendHead, Encoder, ProbabilityHead, Program, RescaleHead, SoftmaxHead
from naiad.trainer.data.dataset import Dataset, Split, Task, narrow_unless_lossy, target_mean_and_std
from naiad.trainer.loop.loop import ValidationResult
from naiad.trainer.model import clusters
from naiad.trainer.model.evaluate import Evaluation, evaluate
from naiad.trainer.nets.network_output import LOGITS, eval_logits
from naiad.trainer.nets.table import TableEnsemble
from naiad.trainer.optim.losses import join_weights


class TaskStrategy(Protocol):
    dataset: Dataset

    def training_split(self) -> Split:
        """The training split with targets as the network learns them, joined with the samples' weights."""

    def program(self, net: nn.Module) -> Program:
        """The program around ``net``: raw samples in, scores in the user's terms out."""

    def validate(self, net: nn.Module) -> ValidationResult:
        """Scores on the validation split; no scores where it is empty."""


def make_task_strategy(
    dataset: Dataset, *, seed: int, clusters: int | None = None, network_output: str = LOGITS
) -> TaskStrategy:
    """The strategy of the dataset's task. seed, clusters: for clustering only, see ClusteringStrategy.

    network_output: what a classifier's network gives, see ``network_output.py``.
    """
    match dataset.task:
        case Task.CLASSIFICATION:
            return ClassificationStrategy(dataset, network_output)
        case Task.REGRESSION:
            return RegressionStrategy(dataset)
        case Task.CLUSTERING:
            return ClusteringStrategy(dataset, seed, clusters)


def evaluate_split(program: nn.Module, dataset: Dataset, split: Split) -> Evaluation:
    return evaluate(program, split, task=dataset.task, classes=dataset.classes)


@dataclass
class ClassificationStrategy:
    dataset: Dataset
    network_output: str = LOGITS

    def training_split(self) -> Split:
        train = self.dataset.train
        if train.targets is None or train.weights is None:
            return train
        return replace(train, targets=join_weights(train.targets, train.weights))

    def program(self, net: nn.Module) -> Program:
        to_logits = eval_logits(self.network_output)
        head = self._softmax_head(net) if to_logits is None else ProbabilityHead(to_logits)
        return Program(self.dataset.features, net, head)

    def _softmax_head(self, net: nn.Module) -> SoftmaxHead:
        targets = self.dataset.train.targets
        if targets is None or not isinstance(net, TableEnsemble):
            return SoftmaxHead()
        counts = torch.bincount(targets.long(), minlength=len(self.dataset.classes))
        return BlendHead(counts / counts.sum())

    def validate(self, net: nn.Module) -> ValidationResult:
        if not len(self.dataset.validation):
            return ValidationResult({}, 0.0)
        evaluation = evaluate_split(self.program(net), self.dataset, self.dataset.validation)
        scores = {"loss": evaluation.loss, **evaluation.metrics}
        return ValidationResult(scores, evaluation.metrics["accuracy"], evaluation)


@dataclass
class RegressionStrategy:
    """The network learns targets of mean 0 and deviation 1; the head returns to the user's units."""

    dataset: Dataset
    _learnt_targets: Tensor | None = field(default=None, init=False, repr=False)

    def training_split(self) -> Split:
        mean, std = self._mean_and_std()
        targets = ((self._targets() - mean) / std).float()
        return replace(self.dataset.train, targets=join_weights(targets, self.dataset.train.weights))

    def program(self, net: nn.Module) -> Program:
        return Program(self.dataset.features, net, RescaleHead(*self._mean_and_std(), dtype=self._targets().dtype))

    def validate(self, net: nn.Module) -> ValidationResult:
        if not len(self.dataset.validation):
            return ValidationResult({}, 0.0)
        evaluation = evaluate_split(self.program(net), self.dataset, self.dataset.validation)
        return ValidationResult({"loss": evaluation.loss, **evaluation.metrics}, -evaluation.loss, evaluation)

    def _targets(self) -> Tensor:
        """Returns (N,) in float32, or in float64 where float32 loses their differences."""
        if self._learnt_targets is None:
            targets = self.dataset.train.targets
            assert targets is not None  # reason: ``prepare`` gives regression data targets
            self._learnt_targets = narrow_unless_lossy(targets)
        return self._learnt_targets

    def _mean_and_std(self) -> tuple[float, float]:
        return target_mean_and_std(self._targets(), self.dataset.train.weights)


@dataclass
class ClusteringStrategy:
    """An autoencoder learns to reconstruct its input; k-means on its embeddings finds the clusters, once, at the end."""

    dataset: Dataset
    seed: int
    clusters: int | None
    """None has the number of clusters chosen by silhouette; labels are never used."""

    def training_split(self) -> Split:
        return replace(self.dataset.train, targets=None)

    def program(self, net: nn.Module) -> Program:
        encoder = Encoder(net)
        embeddings = clusters.compute_embeddings(self.dataset.features, encoder, self.dataset.train)
        head = clusters.fit_centroids(embeddings, self.clusters, seed=self.seed)
        return Program(self.dataset.features, encoder, head)

    @torch.no_grad()
    def validate(self, net: nn.Module) -> ValidationResult:
        if not len(self.dataset.validation):
            return ValidationResult({}, 0.0)
        net.eval()
        total = 0.0
        for raw in clusters.raw_batches(self.dataset.validation):
            inputs: Tensor = self.dataset.features(raw)
            total += float((net(inputs) - inputs).square().flatten(1).mean(dim=1).sum())
        loss = total / len(self.dataset.validation)
        return ValidationResult({"loss": loss}, -loss)
