"""Tests of torch.compile, where the plan says so."""

import subprocess
import sys

import pytest
from torch import nn

from naiad.trainer.machine.compilation import compile_net

_SHARES_GRADIENTS = """
import copy
import torch
from torch import nn
from naiad.trainer.machine.compilation import compile_net

net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
compiled, plain = compile_net(net, enabled=True), copy.deepcopy(net)
inputs = torch.randn(5, 3)
for one in (compiled, plain):
    one(inputs).square().sum().backward()
for ours, theirs in zip(net.parameters(), plain.parameters(), strict=True):
    torch.testing.assert_close(ours.grad, theirs.grad)
print("equal")
"""


def test_a_network_that_is_not_compiled_is_returned_itself():
    net = nn.Linear(3, 2)
    assert compile_net(net, enabled=False) is net


def test_a_compiled_network_has_the_same_parameters():
    net = nn.Linear(3, 2)
    assert {id(parameter) for parameter in compile_net(net, enabled=True).parameters()} == set(
        map(id, net.parameters())
    )


@pytest.mark.slow
def test_a_compiled_network_fills_the_gradients_of_the_plain_one():
    """The process is its own: the compiled kernels bring a thread pool that does not bear every other library beside it."""
    done = subprocess.run([sys.executable, "-c", _SHARES_GRADIENTS], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "equal", done.stderr
