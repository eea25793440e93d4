"""Copies of a network for trials; a network that cannot be copied is used itself and restored afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from types import NoneType

import torch
from torch import Tensor, nn

_PLAIN = (bool, int, float, str, NoneType, Tensor)
"""Types of the attributes that are restored, such as a counter of the steps."""


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
    """Restores weights, gradients, buffers, modes and plain attributes at the end of the block, bit for bit."""
    modules = list(net.modules())
    modes = [module.training for module in modules]
    attributes = [{name: value for name, value in vars(each).items() if isinstance(value, _PLAIN)} for each in modules]
    buffers = [(own, dict(own)) for own in (module._buffers for module in modules) if isinstance(own, dict)]
    kept = [value for own in attributes for value in own.values() if isinstance(value, Tensor)]
    tensors = [*net.parameters(), *net.buffers(), *kept]
    values = [tensor.detach().clone() for tensor in tensors]
    grads = [(tensor, None if tensor.grad is None else tensor.grad.clone()) for tensor in net.parameters()]
    generators = [value for each in modules for value in vars(each).values() if isinstance(value, torch.Generator)]
    states = [generator.get_state() for generator in generators]
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, value in zip(tensors, values, strict=True):
                tensor.copy_(value)
        for parameter, grad in grads:
            parameter.grad = None if grad is None else grad.to(parameter.device)
        for module, own, training in zip(modules, attributes, modes, strict=True):
            vars(module).update(own)
            module.training = training
        for own_buffers, before in buffers:  # a forward pass may have put other tensors into their place
            own_buffers.update(before)
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(state)


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
