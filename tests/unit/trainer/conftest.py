from dataclasses import replace

import pytest
import torch
from torch import nn

from naiad.trainer.data.dataset import Dataset, Split, Task, TensorSamples
from naiad.trainer.data.features.array import ArraySchema
from naiad.trainer.data.findings import Findings
from naiad.trainer.plan import Plan

PLAN = Plan(
    epochs=4, total_steps=40, time_limit_s=None, checkpoint_steps=7, batch_size=10, microbatch_size=10, optimizer="sgd",
    learning_rate=0.1, momentum=0.9, weight_decay=0.0, schedule="one-cycle", warmup_fraction=0.2, clip_norm=None,
    label_smoothing=0.0, augment=(), precision="fp32", memory_format="contiguous", feed="memory", keep="last",
    average=None, clusters=None, device="cpu", threads=1, seed=0,
)  # fmt: skip


@pytest.fixture
def plan():
    """A function of choices: a plan for a hundred samples."""
    return lambda **choices: replace(PLAN, **choices)


def _split(count, generator):
    targets = torch.arange(count) % 3
    inputs = torch.randn(count, 5, generator=generator) + 2 * nn.functional.one_hot(targets, 5)
    return Split(TensorSamples(inputs), targets, [f"index {index}" for index in range(count)])


@pytest.fixture
def blobs():
    """Three well separated classes in five dimensions: 100 training samples, 30 for validation and test."""
    generator = torch.Generator().manual_seed(0)
    train, validation, test = (_split(count, generator) for count in (100, 30, 30))
    return Dataset(
        name="blobs",
        task=Task.CLASSIFICATION,
        task_reason="made so",
        schema=ArraySchema((5,)),
        features=nn.Identity(),
        classes=("a", "b", "c"),
        target_name="class",
        train=train,
        validation=validation,
        test=test,
        findings=Findings(),
    )
