"""The differences between tasks in a run: the targets to learn, the program's head, and the score to watch.

There is one strategy for each task; the loop and ``fit`` do not know which one they use.
"""

from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor, nn

from naiad.trainer.artifact.program import Encoder, Program, RescaleHead, SoftmaxHead
from naiad.trainer.data.dataset import Dataset, Split, Task
from naiad.trainer.loop.loop import ValidationResult
from naiad.trainer.model import clusters
from naiad.trainer.model.evaluate import Evaluation, evaluate


class TaskStrategy(Protocol):
    dataset: Dataset

    def training_split(self) -> Split:
        """The training split with targets as the network learns them."""

    def program(self, net: nn.Module) -> Program:
        """The program around ``net``: raw samples in, scores in the user's terms out."""

    def validate(self, net: nn.Module) -> ValidationResult:
        """Scores on the validation split; no scores where it is empty."""


def make_task_strategy(dataset: Dataset, *, seed: int, clusters: int | None = None) -> TaskStrategy:
    """The strategy of the dataset's task. seed, clusters: for clustering only, see ClusteringStrategy."""
    match dataset.task:
        case Task.CLASSIFICATION:
            return ClassificationStrategy(dataset)
        case Task.REGRESSION:
            return RegressionStrategy(dataset)
        case Task.CLUSTERING:
            return ClusteringStrategy(dataset, seed, clusters)


def evaluate_split(program: nn.Module, dataset: Dataset, split: Split) -> Evaluation:
    return evaluate(program, split, task=dataset.task, classes=dataset.classes)


@dataclass
class ClassificationStrategy:
    dataset: Dataset

    def training_split(self) -> Split:
        return self.dataset.train

    def program(self, net: nn.Module) -> Program:
        return Program(self.dataset.features, net, SoftmaxHead())

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

    def training_split(self) -> Split:
        mean, std = self._mean_and_std()
        return replace(self.dataset.train, targets=(self._targets() - mean) / std)

    def program(self, net: nn.Module) -> Program:
        return Program(self.dataset.features, net, RescaleHead(*self._mean_and_std()))

    def validate(self, net: nn.Module) -> ValidationResult:
        if not len(self.dataset.validation):
            return ValidationResult({}, 0.0)
        evaluation = evaluate_split(self.program(net), self.dataset, self.dataset.validation)
        return ValidationResult({"loss": evaluation.loss, **evaluation.metrics}, -evaluation.loss, evaluation)

    def _targets(self) -> Tensor:
        targets = self.dataset.train.targets
        assert targets is not None  # reason: ``prepare`` gives regression data targets
        return targets

    def _mean_and_std(self) -> tuple[float, float]:
        """The deviation is 1 where all targets are equal."""
        targets = self._targets()
        std = float(targets.std(correction=0))
        return float(targets.mean()), std if std > 0 else 1.0


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
