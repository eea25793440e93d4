"""Copies for trials; networks that cannot be copied are restored."""

import threading
import warnings

import pytest
import torch
from torch import nn

from naiad.trainer.nets.copies import CopyError, copy_network, disposable_copy, restore_afterwards


class LockedNetwork(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))
        self.lock = threading.Lock()


def make_scripted():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        return torch.jit.script(nn.Linear(5, 3))


def train_step(net):
    """Changes all that training changes."""
    net.train()
    net(torch.randn(8, 5)).sum().backward()
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(1)


def capture_state(net):
    values = [value.clone() for value in net.state_dict().values()]
    return values, [weight.grad for weight in net.parameters()], [module.training for module in net.modules()]


def is_equal(first, second):
    pairs = zip(first[0], second[0], strict=True)
    return all(torch.equal(ours, theirs) for ours, theirs in pairs) and first[1:] == second[1:]


@pytest.mark.parametrize("make", [LockedNetwork, make_scripted], ids=["a lock", "a script"])
def test_a_network_that_cannot_be_copied_is_an_error(make):
    with pytest.raises(CopyError, match="cannot be copied"):
        copy_network(make())


@pytest.mark.parametrize(
    "make", [LockedNetwork, make_scripted, lambda: nn.Linear(5, 3)], ids=["a lock", "a script", "plain"]
)
def test_the_network_is_restored_after_a_trial(make):
    net = make().eval()
    before = capture_state(net)
    with disposable_copy(net) as trial:
        train_step(trial)
    assert is_equal(capture_state(net), before)


def test_gradients_are_restored():
    net = nn.Linear(5, 3)
    net(torch.ones(1, 5)).sum().backward()
    before = net.weight.grad.clone()
    with restore_afterwards(net):
        train_step(net)
    assert torch.equal(net.weight.grad, before)


def test_the_network_is_restored_after_a_failure():
    net = LockedNetwork()
    before = capture_state(net)
    with pytest.raises(ZeroDivisionError):
        _fail_with(net)
    assert is_equal(capture_state(net), before)


def _fail_with(net):
    with disposable_copy(net) as trial:
        train_step(trial)
        raise ZeroDivisionError
