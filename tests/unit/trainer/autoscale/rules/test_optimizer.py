"""Optimizer, weight decay and fused update by rule."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from naiad.errors import OptionError
from naiad.trainer.autoscale.rules.make_plan import make_plan
from naiad.trainer.autoscale.rules.optimizer import SMALL_TABLE_DECAY, TABLE_DECAY, optimizers_to_time
from naiad.trainer.data.dataset import Task, TensorSamples


@pytest.mark.parametrize(
    ("net", "steps", "optimizer"),
    [
        ("convolutional", 500, "muon"),
        ("convolutional", 50_000, "muon"),
        ("recurrent", 50_000, "muon"),
        ("linear", 500, "adamw"),
    ],
)
def test_the_optimizer_depends_on_the_network_and_the_length_of_the_run(blobs, nets, net, steps, optimizer):
    plan = make_plan(getattr(nets, net)(), blobs, {}, seed=0, steps=steps)
    assert plan.optimizer == optimizer
    measured = dict(plan.reasons)["optimizer"].measured
    assert measured is None if optimizer == "adamw" else measured.startswith(f"{steps:,} steps")
    assert ("muon's update multiplies" in str(measured)) == (optimizer == "muon")


def test_muon_is_not_used_where_its_update_costs_too_much(blobs):
    wide = nn.Sequential(
        nn.Unflatten(1, (1, 5, 1)), nn.Conv2d(1, 4, 1), nn.Flatten(), nn.Linear(20, 600), nn.Linear(600, 600), nn.Linear(600, 3)
    )  # fmt: skip
    assert make_plan(wide, blobs, {}, seed=0, steps=500).optimizer == "sgd"


def test_a_long_run_has_more_decay_and_needs_a_cheaper_muon_update(nets, blobs):
    net = nn.Sequential(
        nn.Unflatten(1, (1, 5, 1)), nn.Conv2d(1, 4, 1), nn.Flatten(), nn.Linear(20, 60), nn.Linear(60, 60), nn.Linear(60, 3)
    )  # fmt: skip
    short, long = (make_plan(net, blobs, {}, seed=0, steps=steps) for steps in (500, 50_000))
    cheap = make_plan(nets.convolutional(), blobs, {}, seed=0, steps=50_000)
    assert (short.optimizer, long.optimizer, cheap.optimizer) == ("muon", "sgd", "muon")
    assert cheap.weight_decay == 2 * short.weight_decay


def test_a_table_of_classes_has_strong_weight_decay(nets, blobs):
    small, wide = make_plan(nets.linear(), blobs, {}, seed=0), make_plan(nets.recurrent(), blobs, {}, seed=0)
    assert small.weight_decay == SMALL_TABLE_DECAY > wide.weight_decay
    assert make_plan(nets.linear(), blobs, {"weight_decay": 0.01}, seed=0).weight_decay == 0.01
    some = blobs.train.samples.take(torch.arange(len(blobs.train)).repeat(12))
    larger = replace(
        blobs,
        train=replace(
            blobs.train,
            samples=TensorSamples(some),
            targets=blobs.train.targets.repeat(12),
            names=blobs.train.names * 12,
        ),
    )
    assert make_plan(nets.linear(), larger, {}, seed=0).weight_decay == TABLE_DECAY
    continuous = replace(blobs, task=Task.REGRESSION, train=replace(blobs.train, targets=torch.randn(len(blobs.train))))
    assert make_plan(nn.Linear(5, 1), continuous, {}, seed=0).weight_decay < TABLE_DECAY


def test_complex_weights_have_no_fused_update(nets, blobs):
    assert make_plan(nets.linear(), blobs, {}, seed=0).fused == "on"
    assert make_plan(nets.linear(), blobs, {"fused": "off"}, seed=0).fused == "off"
    net = nets.linear()
    net.register_parameter("phase", nn.Parameter(torch.zeros(2, dtype=torch.complex64)))
    assert make_plan(net, blobs, {}, seed=0).fused == "off"
    with pytest.raises(OptionError, match="no such kernel"):
        make_plan(net, blobs, {"fused": "on"}, seed=0)


def test_a_count_says_what_is_worth_timing(nets, blobs):
    by_kind = {kind: getattr(nets, kind)() for kind in ("convolutional", "recurrent", "linear")}
    plans = {kind: make_plan(net, blobs, {}, seed=0) for kind, net in by_kind.items()}
    found = {kind: optimizers_to_time(net, blobs, plans[kind]) for kind, net in by_kind.items()}
    assert found == {"convolutional": ("muon", "sgd"), "recurrent": ("muon", "adamw"), "linear": ()}
    asked = make_plan(by_kind["convolutional"], blobs, {"optimizer": "muon"}, seed=0)
    assert optimizers_to_time(by_kind["convolutional"], blobs, asked) == ()
