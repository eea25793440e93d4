"""Swaps the activation of any network: its activation modules are replaced, calls of functions are found and told.

A module that stands for a gate or an output (Sigmoid, Tanh beside others, Softmax) stays. A function that the network's own code
calls, such as ``x.relu()``, cannot be replaced from outside.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from naiad.errors import NetworkError
from naiad.trainer.nets.blocks import ACTIVATIONS, activation_name, make_activation

REPLACEABLE: tuple[type[nn.Module], ...] = (
    nn.CELU,
    nn.ELU,
    nn.GELU,
    nn.Hardswish,
    nn.LeakyReLU,
    nn.Mish,
    nn.PReLU,
    nn.ReLU,
    nn.ReLU6,
    nn.RReLU,
    nn.SELU,
    nn.SiLU,
    nn.Softplus,
)
"""Modules that are activations wherever they stand."""
_OLDER: tuple[type[nn.Module], ...] = (nn.Tanh, nn.Sigmoid)
"""Modules that are activations where there are none of the others; the last of them may be the output, and stays if a Sigmoid."""
_LAYERS = (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer)
_FUNCTIONS: Mapping[Any, str] = {
    function: name
    for name, functions in {
        "relu": (F.relu, F.relu_, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_),
        "gelu": (F.gelu,),
        "silu": (F.silu,),
        "elu": (F.elu, F.elu_),
        "selu": (F.selu, F.selu_, torch.selu, torch.selu_),
        "leaky_relu": (F.leaky_relu, F.leaky_relu_),
        "mish": (F.mish,),
        "hardswish": (F.hardswish,),
        "relu6": (F.relu6,),
        "softplus": (F.softplus,),
    }.items()
    for function in functions
}


@dataclass(frozen=True)
class ActivationReport:
    """The activations of a network, as one forward pass shows them."""

    modules: tuple[str, ...]
    """Paths of the modules that are replaced."""
    current: str | None
    """The name that most of them have in ``ACTIVATIONS``; None where they have none."""
    functions: Mapping[str, int]
    """Calls of functions in one forward pass, which are not replaced, by name."""

    @property
    def note(self) -> str | None:
        """A sentence for the user where something is not replaced."""
        if not self.functions:
            return None
        calls = ", ".join(f"{name} ({count} times)" for name, count in self.functions.items())
        return f"the network calls {calls} as functions, which stay: make them modules, such as nn.ReLU(), to have them tuned"


def find_activations(net: nn.Module, inputs: Tensor) -> ActivationReport:
    """Looks at one forward pass in eval mode. inputs: (B, …) as the network takes them. Leaves the network as it was."""
    modules = _replaceable(net)
    names = Counter(name for each in modules.values() if (name := _name_of(each)) is not None)
    current = names.most_common(1)[0][0] if names else None
    return ActivationReport(tuple(modules), current, dict(_count_functions(net, inputs)))


def replace_activations(net: nn.Module, name: str) -> int:
    """Puts the activation ``name`` of ``ACTIVATIONS`` in the place of each, in place, and returns how many there were.

    A module that stands at several places is replaced at all of them. Raises OptionError for an unknown name, NetworkError where
    the network has no activation modules.
    """
    make_activation(name)
    paths = list(_replaceable(net))
    if not paths:
        raise NetworkError(
            f"{type(net).__name__} has no activation modules to replace",
            hint=f"write them as modules, such as nn.ReLU(), in place of functions; known: {', '.join(sorted(ACTIVATIONS))}",
        )
    for path in paths:
        parent, _, attribute = path.rpartition(".")
        owner = net.get_submodule(parent)
        new = make_activation(name).train(owner.training)
        if isinstance(owner, _LAYERS):  # which of torch's fast kernels the layer may use
            owner.activation_relu_or_gelu = {"relu": 1, "gelu": 2}.get(name, 0)
        if isinstance(owner, nn.Sequential | nn.ModuleList | nn.ModuleDict):
            owner._modules[attribute] = new
        else:
            setattr(owner, attribute, new)
    return len(paths)


def _replaceable(net: nn.Module) -> dict[str, Any]:
    """Returns the activations by their paths: modules, and the functions that torch's transformer layers keep as attributes."""
    every = [(path, module) for path, module in net.named_modules(remove_duplicate=False) if path]
    layers = [(path, layer) for path, layer in net.named_modules() if isinstance(layer, _LAYERS)]
    kept = {
        f"{path}.activation".lstrip("."): layer.activation
        for path, layer in layers
        if not isinstance(layer.activation, nn.Module)
    }
    always = {path: module for path, module in every if type(module) in REPLACEABLE}
    if always or kept:
        return {**always, **kept}
    older = [(path, module) for path, module in every if type(module) in _OLDER]
    is_output = bool(older) and every[-1][0] == older[-1][0] and isinstance(older[-1][1], nn.Sigmoid)
    return dict(older[:-1] if is_output else older)


def _name_of(activation: Any) -> str | None:
    return activation_name(activation) if isinstance(activation, nn.Module) else _FUNCTIONS.get(activation)


class _FunctionCounter(TorchFunctionMode):
    """Counts the activation functions that are called outside of activation modules."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()
        self.inside = 0
        """Activation modules that are being called."""

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if not self.inside and func in _FUNCTIONS:
            self.calls[_FUNCTIONS[func]] += 1
            self.inside += 1  # F.relu calls torch.relu
            try:
                return func(*args, **(kwargs or {}))
            finally:
                self.inside -= 1
        return func(*args, **(kwargs or {}))


@torch.no_grad()
def _count_functions(net: nn.Module, inputs: Tensor) -> Counter[str]:
    counter = _FunctionCounter()
    modes = [(module, module.training) for module in net.modules()]
    net.eval()
    try:
        with _marked_activations(net, counter), counter:
            net(inputs)
    finally:
        for module, training in modes:
            module.training = training
    return counter.calls


@contextmanager
def _marked_activations(net: nn.Module, counter: _FunctionCounter) -> Iterator[None]:
    """Has the counter know when an activation module, or a module of torch's own with activations inside, is called."""

    def enter(*_: Any) -> None:
        counter.inside += 1

    def leave(*_: Any) -> None:
        counter.inside -= 1

    with ExitStack() as hooks:
        for module in net.modules():
            if isinstance(module, (*REPLACEABLE, *_OLDER, *_LAYERS, nn.RNNBase)):
                for handle in (module.register_forward_pre_hook(enter), module.register_forward_hook(leave)):
                    hooks.callback(handle.remove)
        yield
