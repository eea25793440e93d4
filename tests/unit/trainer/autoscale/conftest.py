from dataclasses import dataclass, field

import pytest
import torch
from torch import nn

from naiad.trainer.autoscale.bench import Bench, Timing
from naiad.trainer.autoscale.budget import Budget
from naiad.trainer.autoscale.measuring import Measuring
from naiad.trainer.autoscale.microbatch_size import BOUNDLESS
from naiad.trainer.data.dataset import Split, Task, TensorSamples
from naiad.trainer.optim.losses import make_loss


def a_split(inputs, targets):
    return Split(TensorSamples(inputs), targets, [str(index) for index in range(len(inputs))])


@pytest.fixture
def bench(blobs):
    """Of a small network with all that could remember a measurement: dropout, BatchNorm, weights."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(5, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 3))
    return Bench(net, blobs.features, make_loss(Task.CLASSIFICATION), blobs.train)


@dataclass
class Scripted:
    """A bench whose steps take what the test says; all else is measured for real."""

    real: Bench
    seconds: object
    """Of a plan: its step."""
    timed: list = field(default_factory=list)

    def __getattr__(self, name):
        return getattr(self.real, name)

    def step_seconds(self, plan, **_):
        self.timed.append(plan)
        return self.seconds(plan)

    def timing(self, plan, **_):
        return Timing(step_s := self.step_seconds(plan), step_s)

    def race(self, plans, *, rounds, **_):
        return [[self.step_seconds(plan)] * rounds for plan in plans]


@pytest.fixture
def scripted(bench):
    return lambda seconds: Scripted(bench, seconds)


@pytest.fixture
def measuring(bench):
    """With a budget for everything, unless told otherwise."""

    def make(of=bench, *, budget_s=1e9, step_s=0.001, pinned=(), room=BOUNDLESS):
        return Measuring(of, Budget(budget_s), step_s, frozenset(pinned), room)

    return make
