from dataclasses import dataclass, field

import pytest
import torch
from torch import nn

from naiad.trainer.autoscale.budget import Budget
from naiad.trainer.autoscale.measurement_setup import MeasurementSetup, TimedPlan
from naiad.trainer.autoscale.microbatch_size import UNKNOWN_LIMIT
from naiad.trainer.autoscale.network_probe import NetworkProbe, StepTiming
from naiad.trainer.data.dataset import Task
from naiad.trainer.optim.losses import make_loss


@pytest.fixture
def probe(blobs):
    """A probe of a small network with all that could remember a measurement: dropout, BatchNorm, weights."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(5, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 3))
    return NetworkProbe(net, blobs.features, make_loss(Task.CLASSIFICATION), blobs.train)


@dataclass
class ScriptedProbe:
    """A probe whose steps take what the test says; all else is measured for real."""

    real: NetworkProbe
    seconds: object
    """The seconds of a step of a plan."""
    timed: list = field(default_factory=list)
    """The plans that were timed."""

    def __getattr__(self, name):
        return getattr(self.real, name)

    def step_seconds(self, plan, **_):
        self.timed.append(plan)
        return self.seconds(plan)

    def time_steps(self, plan, **_):
        step_s = self.step_seconds(plan)
        return StepTiming(step_s, step_s)

    def compare_steps(self, plans, *, rounds, **_):
        return [[self.step_seconds(plan)] * rounds for plan in plans]


@pytest.fixture
def scripted(probe):
    return lambda seconds: ScriptedProbe(probe, seconds)


@pytest.fixture
def make_setup(probe):
    """A function that makes a setup, with a budget for everything unless told otherwise."""

    def make(of=probe, *, budget_s=1e9, unmeasured=(), memory=UNKNOWN_LIMIT, short_run_rate=1.0, **more):
        return MeasurementSetup(of, Budget(budget_s), frozenset(unmeasured), memory, short_run_rate, **more)

    return make


@pytest.fixture
def choose():
    """A function that has one choice measured, and returns the plan."""
    return lambda module, plan, setup, step_s=0.001: module.choose(TimedPlan(plan, step_s), setup).plan
