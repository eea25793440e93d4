"""Copies to try something on; networks that cannot be copied are put back."""

import threading
import warnings

import pytest
import torch
from torch import nn

from naiad.trainer.nets.copies import NotCopyable, borrowed, copied, untouched


class Locked(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))
        self.lock = threading.Lock()


def scripted():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        return torch.jit.script(nn.Linear(5, 3))


def changed(net):
    """All that training changes."""
    net.train()
    net(torch.randn(8, 5)).sum().backward()
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(1)


def trace(net):
    values = [value.clone() for value in net.state_dict().values()]
    return values, [weight.grad for weight in net.parameters()], [module.training for module in net.modules()]


def same(first, second):
    pairs = zip(first[0], second[0], strict=True)
    return all(torch.equal(ours, theirs) for ours, theirs in pairs) and first[1:] == second[1:]


@pytest.mark.parametrize("make", [Locked, scripted], ids=["a lock", "a script"])
def test_what_cannot_be_copied_is_said(make):
    with pytest.raises(NotCopyable, match="cannot be copied"):
        copied(make())


@pytest.mark.parametrize("make", [Locked, scripted, lambda: nn.Linear(5, 3)], ids=["a lock", "a script", "plain"])
def test_a_borrowed_network_is_as_it_was(make):
    net = make().eval()
    before = trace(net)
    with borrowed(net) as tried:
        changed(tried)
    assert same(trace(net), before)


def test_gradients_come_back():
    net = nn.Linear(5, 3)
    net(torch.ones(1, 5)).sum().backward()
    before = net.weight.grad.clone()
    with untouched(net):
        changed(net)
    assert torch.equal(net.weight.grad, before)


def test_a_failure_leaves_no_trace_either():
    net = Locked()
    before = trace(net)
    with pytest.raises(ZeroDivisionError):
        _fail_with(net)
    assert same(trace(net), before)


def _fail_with(net):
    with borrowed(net) as tried:
        changed(tried)
        raise ZeroDivisionError
