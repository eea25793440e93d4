"""A trained model, its data and its evaluation, for each task."""

from dataclasses import replace
from typing import Any, NamedTuple

import pytest
import torch
from sklearn.datasets import load_diabetes, load_digits
from torch import nn

from naiad.trainer.artifact.program import CentroidHead, Encoder, Program, RescaleHead, SoftmaxHead
from naiad.trainer.data.dataset import Dataset, Split, Task, TensorSamples
from naiad.trainer.data.features.array import ArraySchema
from naiad.trainer.data.features.image import ImageFeatures, ImageSchema
from naiad.trainer.data.findings import Action, Finding, Findings
from naiad.trainer.model.baseline import compute_baseline
from naiad.trainer.model.evaluate import Evaluation, evaluate
from naiad.trainer.model.model import EpochRecord, Model
from naiad.trainer.nets.network_source import NetworkSource


class Run(NamedTuple):
    model: Model
    dataset: Dataset
    evaluation: Evaluation


class RowAutoencoder(nn.Module):
    """An autoencoder whose embedding is the picture's even rows."""

    def encode(self, inputs):
        return inputs[:, :, ::2].flatten(1)

    def forward(self, inputs):
        return inputs


def make_split(inputs, targets):
    return Split(TensorSamples(inputs), targets, [f"index {index}" for index in range(len(inputs))])


@pytest.fixture(scope="session")
def digits():
    bunch = load_digits()
    pictures = torch.from_numpy(bunch.images * 15).to(torch.uint8).unsqueeze(1)
    targets = torch.from_numpy(bunch.target)
    splits = [
        make_split(pictures[chosen], targets[chosen]) for chosen in (slice(600), slice(600, 700), slice(700, 1000))
    ]
    finding = Finding("exact-duplicate", "train", 2, Action.QUARANTINED, "copies of <another> image", ("index 3",))
    features = ImageFeatures(torch.tensor([70.0]), torch.tensor([90.0]))
    classes = tuple(f"digit {digit}" for digit in range(10))
    schema = ImageSchema(1, 8, 8)
    return Dataset(
        "digits", Task.CLASSIFICATION, "labels", schema, features, classes, "digit", *splits, Findings((finding,))
    )


@pytest.fixture
def make_run(plan):
    """A function that makes a Run of a program and a dataset, with two epochs of history."""

    def make(program: nn.Module, dataset: Dataset, **changes: Any) -> Run:
        evaluation = evaluate(program, dataset.test, task=dataset.task, classes=dataset.classes)
        scores = {"loss": evaluation.loss, **evaluation.metrics}
        history = tuple(EpochRecord(epoch, 10 * epoch, 1 / epoch, 0.1, 1.0, scores) for epoch in (1, 2))
        model = Model(
            program=program,
            task=dataset.task,
            schema=dataset.schema,
            classes=dataset.classes,
            target_name=dataset.target_name,
            plan=plan(),
            network=NetworkSource("linear", registered=True),
            findings=dataset.findings,
            history=history,
            evaluations={"test": evaluation.to_json()},
            baseline=compute_baseline(dataset, seed=0),
        )
        return Run(replace(model, **changes), dataset, evaluation)

    return make


@pytest.fixture
def classification_run(digits, make_run):
    torch.manual_seed(0)
    return make_run(Program(digits.features, nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), SoftmaxHead()), digits)


@pytest.fixture
def clustering_run(digits, make_run):
    encoder = Encoder(RowAutoencoder())
    centres = encoder(digits.features(digits.train.samples.take(torch.arange(10))))
    return make_run(Program(digits.features, encoder, CentroidHead(centres)), replace(digits, task=Task.CLUSTERING))


@pytest.fixture
def regression_run(make_run):
    inputs, targets = (torch.tensor(values, dtype=torch.float32) for values in load_diabetes(return_X_y=True))
    inputs[5, 2] = float("nan")
    splits = [make_split(inputs[chosen], targets[chosen]) for chosen in (slice(300), slice(300, 350), slice(350, None))]
    dataset = Dataset(
        "diabetes", Task.REGRESSION, "numbers", ArraySchema((10,)), nn.Identity(), (), "$progress", *splits, Findings()
    )
    return make_run(Program(nn.Identity(), nn.Linear(10, 1), RescaleHead(152.0, 77.0)), dataset)
