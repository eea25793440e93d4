"""Copies of a network for trials; a network that cannot be copied is used itself and restored afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy

import torch
from torch import nn


class CopyError(Exception):  # reason: internal; who measures on copies catches it, and the run goes on
    """Raised for a network that cannot be copied, or whose copy cannot be trained."""


def copy_network(net: nn.Module) -> nn.Module:
    """Returns an independent copy that can be trained. Raises CopyError."""
    try:
        copy = deepcopy(net)
    except Exception as error:  # reason: a network may hold anything, and fail in any way
        raise CopyError(f"the network cannot be copied: {error}") from error
    if not all(parameter.is_leaf for parameter in copy.parameters()):  # made by torch.jit.script
        raise CopyError("the network cannot be copied: a copy of a compiled script cannot be trained")
    return copy


@contextmanager
def restore_afterwards(net: nn.Module) -> Iterator[None]:
    """Restores weights, gradients, buffers and modes at the end of the block, bit for bit."""
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
def disposable_copy(net: nn.Module) -> Iterator[nn.Module]:
    """Yields a copy, or ``net`` itself where it cannot be copied; ``net`` is afterwards what it was."""
    try:
        copy = copy_network(net)
    except CopyError:
        copy = None
    if copy is not None:
        yield copy
        return
    with restore_afterwards(net):
        yield net
