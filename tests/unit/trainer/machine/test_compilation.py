"""torch.compile, where the plan says so."""

import copy

import torch
from torch import nn

from naiad.trainer.machine.compilation import compile_net


def test_off_is_the_network_itself(plan):
    net = nn.Linear(3, 2)
    assert compile_net(net, enabled=False) is net


def test_on_shares_the_parameters(plan):
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    fast = compile_net(net, enabled=True)
    plain = copy.deepcopy(net)
    inputs = torch.randn(5, 3)
    for one in (fast, plain):
        one(inputs).square().sum().backward()
    for ours, theirs in zip(net.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)
