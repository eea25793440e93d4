"""What a task asks of the loop: targets to learn, a loss, a head, and a score to watch.

One recipe a task; the loop and ``fit`` do not know which one they follow.
"""

from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor, nn

from naiad.trainer.artifact.program import Encode, Probabilities, Program, Values
from naiad.trainer.data.dataset import Dataset, Split, Task
from naiad.trainer.loop.loop import Validation
from naiad.trainer.model import clusters
from naiad.trainer.model.evaluate import Evaluation, evaluate


class Recipe(Protocol):
    dataset: Dataset

    def training_split(self) -> Split:
        """The training split with targets as the network learns them."""

    def program(self, net: nn.Module) -> Program:
        """Raw samples in, scores in the user's terms out."""

    def validate(self, net: nn.Module) -> Validation:
        """Scores on the validation split, after an epoch."""


def recipe_for(dataset: Dataset, *, seed: int, clusters: int | None = None) -> Recipe:
    match dataset.task:
        case Task.CLASSIFICATION:
            return Classification(dataset)
        case Task.REGRESSION:
            return Regression(dataset)
        case Task.CLUSTERING:
            return Clustering(dataset, seed, clusters)


def evaluate_split(program: nn.Module, dataset: Dataset, split: Split) -> Evaluation:
    return evaluate(program, split, task=dataset.task, classes=dataset.classes)


@dataclass
class Classification:
    dataset: Dataset

    def training_split(self) -> Split:
        return self.dataset.train

    def program(self, net: nn.Module) -> Program:
        return Program(self.dataset.features, net, Probabilities())

    def validate(self, net: nn.Module) -> Validation:
        if not len(self.dataset.validation):
            return Validation({}, 0.0)
        evaluation = evaluate_split(self.program(net), self.dataset, self.dataset.validation)
        scores = {"loss": evaluation.loss, **evaluation.metrics}
        return Validation(scores, evaluation.metrics["accuracy"], evaluation)


@dataclass
class Regression:
    """The network learns targets of mean 0 and deviation 1; its head puts the user's units back."""

    dataset: Dataset

    def training_split(self) -> Split:
        mean, std = self._scale()
        assert self.dataset.train.targets is not None
        return replace(self.dataset.train, targets=(self.dataset.train.targets - mean) / std)

    def program(self, net: nn.Module) -> Program:
        return Program(self.dataset.features, net, Values(*self._scale()))

    def validate(self, net: nn.Module) -> Validation:
        if not len(self.dataset.validation):
            return Validation({}, 0.0)
        evaluation = evaluate_split(self.program(net), self.dataset, self.dataset.validation)
        return Validation({"loss": evaluation.loss, **evaluation.metrics}, -evaluation.loss, evaluation)

    def _scale(self) -> tuple[float, float]:
        targets = self.dataset.train.targets
        assert targets is not None
        std = float(targets.std(correction=0))
        return float(targets.mean()), std if std > 0 else 1.0


@dataclass
class Clustering:
    """An autoencoder learns to reconstruct; k-means on its embedding makes the clusters, once, at the end."""

    dataset: Dataset
    seed: int
    clusters: int | None
    """None has the number chosen by silhouette; labels are never looked at."""

    def training_split(self) -> Split:
        return replace(self.dataset.train, targets=None)

    def program(self, net: nn.Module) -> Program:
        encode = Encode(net)
        embeddings = clusters.embeddings(self.dataset.features, encode, self.dataset.train)
        return Program(
            self.dataset.features, encode, clusters.nearest_centre(embeddings, self.clusters, seed=self.seed)
        )

    @torch.no_grad()
    def validate(self, net: nn.Module) -> Validation:
        if not len(self.dataset.validation):
            return Validation({}, 0.0)
        net.eval()
        total = 0.0
        for raw in clusters.raw_batches(self.dataset.validation):
            inputs: Tensor = self.dataset.features(raw)
            total += float((net(inputs) - inputs).square().flatten(1).mean(dim=1).sum())
        loss = total / len(self.dataset.validation)
        return Validation({"loss": loss}, -loss)
