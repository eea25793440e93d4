"""A time limit becomes a number of steps."""

import pytest
import torch
from torch import nn

from naiad.trainer import timing
from naiad.trainer.data.batches import Feed
from naiad.trainer.losses import loss_for
from naiad.trainer.plan import Reason


@pytest.fixture
def reasoned(plan):
    def make(epochs_reason, **choices):
        reasons = {"epochs": Reason(epochs_reason), "total_steps": Reason("")}
        return plan(reasons=tuple(reasons.items()), **choices)

    return make


def test_what_fits_is_taken(reasoned):
    fitted = timing.within_time(reasoned("a rule"), 0.01, left_s=10, steps_per_epoch=10)
    assert fitted.total_steps == 850
    assert fitted.epochs == 85
    assert dict(fitted.reasons)["total_steps"].measured == "10.0 ms a step"


def test_the_users_epochs_are_not_exceeded(reasoned):
    fitted = timing.within_time(reasoned("set by the user"), 0.001, left_s=100, steps_per_epoch=10)
    assert (fitted.total_steps, fitted.epochs) == (40, 4)


def test_there_is_always_a_step(reasoned):
    fitted = timing.within_time(reasoned("a rule"), 5.0, left_s=0.1, steps_per_epoch=10)
    assert (fitted.total_steps, fitted.epochs) == (1, 1)


def test_a_part_is_set_aside_for_the_end():
    assert timing.finishing_s(5) == 1
    assert timing.finishing_s(3600) == 10


def test_timing_leaves_the_network_as_it_was(blobs, plan):
    net = nn.Sequential(nn.Linear(5, 3), nn.BatchNorm1d(3))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    feed = Feed(blobs.train, 10, 0)
    assert timing.step_seconds(net, blobs.features, loss_for(blobs.task), feed, plan()) > 0
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())
