"""Networks that are tried out: on a copy, or, where there is none to be had, on the network itself, which is put back."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy

import torch
from torch import nn


class NotCopyable(Exception):  # reason: a signal to those who measure on copies; the run goes on without
    """The network holds what cannot be copied, or its copy cannot be trained."""


def copied(net: nn.Module) -> nn.Module:
    """An independent copy that can be trained. Raises NotCopyable."""
    try:
        copy = deepcopy(net)
    except Exception as error:  # reason: a network may hold anything, and fail in any way
        raise NotCopyable(f"the network cannot be copied: {error}") from error
    if not all(parameter.is_leaf for parameter in copy.parameters()):  # of what torch.jit.script made
        raise NotCopyable("the network cannot be copied: a copy of a compiled script cannot be trained")
    return copy


@contextmanager
def untouched(net: nn.Module) -> Iterator[None]:
    """Weights, gradients, buffers and modes are afterwards what they were, bit for bit."""
    tensors = [*net.parameters(), *net.buffers()]
    values = [tensor.detach().clone() for tensor in tensors]
    grads = [(tensor, None if tensor.grad is None else tensor.grad.clone()) for tensor in net.parameters()]
    modes = [(module, module.training) for module in net.modules()]
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, value in zip(tensors, values, strict=True):
                tensor.copy_(value)
        for parameter, grad in grads:
            parameter.grad = None if grad is None else grad.to(parameter.device)
        for module, training in modes:
            module.training = training


@contextmanager
def borrowed(net: nn.Module) -> Iterator[nn.Module]:
    """A copy; where there can be none, ``net`` itself, which is untouched afterwards."""
    try:
        copy = copied(net)
    except NotCopyable:
        copy = None
    if copy is not None:
        yield copy
        return
    with untouched(net):
        yield net
