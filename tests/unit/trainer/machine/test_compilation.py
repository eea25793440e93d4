"""A compiled network shares its parameters with the plain one."""

import copy

import torch
from torch import nn

from naiad.trainer.machine.compilation import compile_net


def test_without_compilation_the_network_itself_is_returned(plan):
    net = nn.Linear(3, 2)
    assert compile_net(net, enabled=False) is net


def test_a_compiled_network_shares_its_parameters(plan):
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    compiled = compile_net(net, enabled=True)
    plain = copy.deepcopy(net)
    inputs = torch.randn(5, 3)
    for one in (compiled, plain):
        one(inputs).square().sum().backward()
    for ours, theirs in zip(net.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)
