"""Optimizers: weight decay, frozen parameters, fused updates and the learning rate."""

import pytest
import torch
from torch import nn

from naiad.trainer.optim.optimizers import OPTIMIZERS, has_fused_update, make_optimizer, set_learning_rate
from naiad.trainer.plan.overrides import check_overrides


@pytest.fixture
def net():
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3))


def test_only_matrices_are_decayed(net, plan):
    optimizer = make_optimizer(net, plan(weight_decay=0.1))
    decays = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
    assert {name: decays[id(p)] for name, p in net.named_parameters()} == {
        "0.weight": 0.1,
        "0.bias": 0.0,
        "1.weight": 0.0,
        "1.bias": 0.0,
        "3.weight": 0.1,
        "3.bias": 0.0,
    }


@pytest.mark.parametrize(("name", "optimizer_class"), [("sgd", torch.optim.SGD), ("adamw", torch.optim.AdamW)])
def test_an_optimizer_is_made_by_name(net, plan, name, optimizer_class):
    optimizer = make_optimizer(net, plan(optimizer=name))
    assert type(optimizer) is optimizer_class
    assert optimizer.defaults["fused"]
    assert not make_optimizer(net, plan(optimizer=name, fused="off")).defaults["fused"]


@pytest.mark.parametrize("name", ["sgd", "adamw", "muon"])
def test_a_fused_update_differs_by_rounding_only(plan, name):
    trained = {}
    for fused in ("on", "off"):
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3))
        optimizer = make_optimizer(net, plan(optimizer=name, learning_rate=0.01, weight_decay=0.1, fused=fused))
        for _ in range(3):
            optimizer.zero_grad()
            net(torch.ones(2, 4)).square().sum().backward()
            optimizer.step()
        trained[fused] = torch.cat([p.detach().flatten() for p in net.parameters()])
    torch.testing.assert_close(trained["on"], trained["off"])


def test_complex_weights_are_not_fused():
    net = nn.Linear(2, 2)
    assert has_fused_update(net)
    net.phase = nn.Parameter(torch.zeros(2, dtype=torch.complex64))
    assert not has_fused_update(net)


def test_momentum_of_zero_has_no_nesterov(net, plan):
    assert not make_optimizer(net, plan(momentum=0.0)).defaults["nesterov"]


def test_frozen_parameters_are_not_trained(net, plan):
    net[0].requires_grad_(requires_grad=False)
    trained = {id(p) for group in make_optimizer(net, plan()).param_groups for p in group["params"]}
    assert id(net[0].weight) not in trained


def test_a_network_without_matrices_has_one_group(plan):
    assert len(make_optimizer(nn.BatchNorm1d(3), plan()).param_groups) == 1


def test_the_rate_is_set_in_every_group(net, plan):
    optimizer = make_optimizer(net, plan())
    set_learning_rate(optimizer, 0.25)
    assert [group["lr"] for group in optimizer.param_groups] == [0.25, 0.25]


def test_every_optimizer_that_a_plan_may_name_exists():
    for name in OPTIMIZERS:
        assert check_overrides({"optimizer": name}) == {"optimizer": name}
