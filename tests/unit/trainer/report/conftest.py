from dataclasses import replace
from typing import Any, NamedTuple

import pytest
import torch
from sklearn.datasets import load_diabetes, load_digits
from torch import nn

from naiad.trainer.artifact.program import Encode, Nearest, Probabilities, Program, Values
from naiad.trainer.data.dataset import Dataset, Split, Task, TensorSamples
from naiad.trainer.data.features.array import ArraySchema
from naiad.trainer.data.features.image import ImageFeatures, ImageSchema
from naiad.trainer.data.findings import Action, Finding, Findings
from naiad.trainer.model.baseline import baseline
from naiad.trainer.model.evaluate import Evaluation, evaluate
from naiad.trainer.model.model import EpochRecord, Model
from naiad.trainer.nets.network_source import NetworkSource


class Run(NamedTuple):
    model: Model
    dataset: Dataset
    evaluation: Evaluation


class Flat(nn.Module):
    """An autoencoder that keeps the picture's rows of even number."""

    def encode(self, inputs):
        return inputs[:, :, ::2].flatten(1)

    def forward(self, inputs):
        return inputs


def part(inputs, targets):
    return Split(TensorSamples(inputs), targets, [f"index {index}" for index in range(len(inputs))])


@pytest.fixture(scope="session")
def digits():
    bunch = load_digits()
    pictures = torch.from_numpy(bunch.images * 15).to(torch.uint8).unsqueeze(1)
    targets = torch.from_numpy(bunch.target)
    splits = [part(pictures[chosen], targets[chosen]) for chosen in (slice(600), slice(600, 700), slice(700, 1000))]
    finding = Finding("exact-duplicate", "train", 2, Action.LEFT_OUT, "copies of <another> image", ("index 3",))
    features = ImageFeatures(torch.tensor([70.0]), torch.tensor([90.0]))
    classes = tuple(f"digit {digit}" for digit in range(10))
    schema = ImageSchema(1, 8, 8)
    return Dataset(
        "digits", Task.CLASSIFICATION, "labels", schema, features, classes, "digit", *splits, Findings((finding,))
    )


@pytest.fixture
def run_of(plan):
    """A function of a program and a dataset: a Run with two epochs of history."""

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
            baseline=baseline(dataset, seed=0),
        )
        return Run(replace(model, **changes), dataset, evaluation)

    return make


@pytest.fixture
def classified(digits, run_of):
    torch.manual_seed(0)
    return run_of(Program(digits.features, nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), Probabilities()), digits)


@pytest.fixture
def clustered(digits, run_of):
    encode = Encode(Flat())
    centres = encode(digits.features(digits.train.samples.take(torch.arange(10))))
    return run_of(Program(digits.features, encode, Nearest(centres)), replace(digits, task=Task.CLUSTERING))


@pytest.fixture
def regressed(run_of):
    inputs, targets = (torch.tensor(values, dtype=torch.float32) for values in load_diabetes(return_X_y=True))
    inputs[5, 2] = float("nan")
    splits = [part(inputs[chosen], targets[chosen]) for chosen in (slice(300), slice(300, 350), slice(350, None))]
    dataset = Dataset(
        "diabetes", Task.REGRESSION, "numbers", ArraySchema((10,)), nn.Identity(), (), "$progress", *splits, Findings()
    )
    return run_of(Program(nn.Identity(), nn.Linear(10, 1), Values(152.0, 77.0)), dataset)
