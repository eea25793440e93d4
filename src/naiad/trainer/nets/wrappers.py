"""Wrappers around a network: torch.compile, DataParallel, DistributedDataParallel. A model is kept as what they wrap.

Knows which attribute of a wrapper holds the network, and what that adds to the names of its weights.
"""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from naiad.errors import NetworkError, explain_errors
from naiad.trainer.data.findings import Action, Finding, Findings

_COMPILED_PREFIX = "_orig_mod."
_PARALLEL_PREFIX = "module."


@dataclass(frozen=True)
class UnwrappedNetwork:
    """A network without the wrappers in which it was given."""

    net: Any
    compiled: nn.Module | None = None
    """The user's own torch.compile of ``net``, whose weights it shares; None where there is none."""
    findings: Findings = field(default_factory=Findings)


@explain_errors(NetworkError, "the network cannot be used")
def unwrap_network(net: Any) -> UnwrappedNetwork:
    """Returns the network inside the wrappers, on the CPU; what is no module, or has no wrappers, is returned as it is.

    Raises NetworkError for a module whose weights have no values.
    """
    if not isinstance(net, nn.Module):
        return UnwrappedNetwork(net)
    if not hasattr(net, "_parameters"):
        raise NetworkError(
            f"{type(net).__name__} is not initialised as a module", hint="call super().__init__() first in its __init__"
        )
    compiled, items = None, []
    while (attribute := _inner_attribute(net)) is not None:
        compiled = net if attribute == "_orig_mod" else None
        items.append(_describe_wrapper(net))
        net = getattr(net, attribute)
    _move_to_cpu(net)
    return UnwrappedNetwork(net, compiled, Findings(tuple(items)))


def remove_wrappers(module: nn.Module) -> None:
    """Replaces every wrapper below ``module`` by what it wraps."""
    for parent in list(module.modules()):
        for name, child in list(parent.named_children()):
            if _inner_attribute(child) is not None:
                setattr(parent, name, _innermost(child))


def plain_names(module: nn.Module) -> dict[str, str]:
    """Returns the name that each entry of ``module.state_dict()`` has without the wrappers in it."""
    prefixes = sorted(_wrapper_prefixes(module), key=len, reverse=True)
    return {name: _without_prefixes(name, prefixes) for name in module.state_dict()}


def strip_wrapper_names(stored: Iterable[str], own: Iterable[str]) -> dict[str, str]:
    """Returns a plain name for each of the ``stored`` ones; earlier artifacts hold the names that wrappers give.

    own: the plain names of the network that takes the weights.
    """
    names = {name: name.replace(_COMPILED_PREFIX, "") for name in stored}
    is_parallel = bool(names) and all(name.startswith(_PARALLEL_PREFIX) for name in names.values())
    if is_parallel and not any(name.startswith(_PARALLEL_PREFIX) for name in own):
        return {stored_name: name.removeprefix(_PARALLEL_PREFIX) for stored_name, name in names.items()}
    return names


def _innermost(module: nn.Module) -> nn.Module:
    attribute = _inner_attribute(module)
    return module if attribute is None else _innermost(getattr(module, attribute))


def _inner_attribute(module: nn.Module) -> str | None:
    """Returns the attribute in which a wrapper holds its network; None for a module that is no wrapper."""
    dynamo = sys.modules.get("torch._dynamo.eval_frame")  # who has compiled a network has loaded it
    if dynamo is not None and isinstance(module, dynamo.OptimizedModule):
        return "_orig_mod"
    if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
        return "module"
    return None


def _move_to_cpu(net: nn.Module) -> None:
    """Moves the weights to where the data are; the plan chooses the device of the run."""
    devices = {tensor.device.type for tensor in (*net.parameters(), *net.buffers())}
    if "meta" in devices:
        raise NetworkError(
            f"{type(net).__name__} has weights on the device meta, which have no values",
            hint="give them values: net.to_empty(device='cpu'), then initialise them",
        )
    if devices - {"cpu"}:
        net.cpu()


def _wrapper_prefixes(module: nn.Module) -> Iterator[str]:
    """Yields ``body._orig_mod.`` for a wrapper called ``body``."""
    for name, child in module.named_modules():
        attribute = _inner_attribute(child)
        if attribute is not None:
            yield f"{name}.{attribute}." if name else f"{attribute}."


def _without_prefixes(name: str, prefixes: list[str]) -> str:
    """Removes the last part of each prefix that the name has, the longest first."""
    for prefix in prefixes:
        if name.startswith(prefix):
            outer = prefix.removesuffix(".").rpartition(".")[0]
            name = f"{outer}.{name.removeprefix(prefix)}" if outer else name.removeprefix(prefix)
    return name


def _describe_wrapper(wrapper: nn.Module) -> Finding:
    kind = type(wrapper).__name__
    if isinstance(wrapper, nn.DataParallel):
        what = "it is trained on one device, as the network inside; torchrun trains it on several"
    elif isinstance(wrapper, nn.parallel.DistributedDataParallel):
        what = "the network inside is trained and saved; the processes share their gradients without it"
    else:
        what = "its training steps run compiled; the network inside is measured, tested and saved"
    return Finding("network-wrapper", "train", 1, Action.REPORTED, f"the network was given as {kind}: {what}")
