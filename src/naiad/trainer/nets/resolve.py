"""What ``fit`` was given as a network becomes a module and the record of where it came from."""

import ast
import inspect
import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn

from naiad.errors import NetworkError
from naiad.trainer.data.dataset import Dataset, Task
from naiad.trainer.nets.guide import Net, SimpleNet
from naiad.trainer.nets.network_source import NetworkSource
from naiad.trainer.nets.registry import create
from naiad.trainer.nets.residual import LEAST_SIDE
from naiad.trainer.nets.source import from_file, instance_of, is_file_reference

_LIBRARIES = ("naiad", "torch", "torchvision")
_GUIDE: dict[type[nn.Module], tuple[str, tuple[int, ...]]] = {
    SimpleNet: ("simplenet", (1, 28, 28)),
    Net: ("net", (3, 32, 32)),
}


def resolve(net: nn.Module | type[nn.Module] | str | None, *, dataset: Dataset) -> tuple[nn.Module, NetworkSource]:
    """The network to train, and its record.

    net: a module, a class that needs no arguments, a registry name, ``file.py:Class``, or None to have one chosen.
    Raises NetworkError, OptionError.
    """
    match net:
        case None:
            return _created(suited_to(dataset), dataset)
        case str() if is_file_reference(net):
            return from_file(net)
        case str():
            return _created(net, dataset)
        case nn.Module():
            return net, source_of(net)
        case type() if issubclass(net, nn.Module):
            made = instance_of(net)
            return made, source_of(made)
    raise NetworkError(
        f"a network is a torch.nn.Module, a name or file.py:Class, given {_described(net)}",
        hint="`naiad nets` lists the names; None has one chosen for the data",
    )


def suited_to(dataset: Dataset) -> str:
    """The registry name of the network that fits the data when the user names none."""
    shape = network_input_shape(dataset)
    if dataset.task is Task.CLUSTERING:
        return "conv-autoencoder" if _is_image(shape) else "autoencoder"
    return "residual" if _is_image(shape) else "wide-deep"


@torch.no_grad()
def network_input_shape(dataset: Dataset) -> tuple[int, ...]:
    """Shape of one sample as ``features`` gives it, without N."""
    raw = torch.zeros((1, *dataset.schema.sample_shape), dtype=dataset.schema.dtype)
    return tuple(dataset.features(raw).shape[1:])


def _is_image(shape: tuple[int, ...]) -> bool:
    return len(shape) == 3 and min(shape[1:]) >= LEAST_SIDE


def _created(name: str, dataset: Dataset) -> tuple[nn.Module, NetworkSource]:
    arguments: dict[str, Any] = {"input_shape": list(network_input_shape(dataset)), "outputs": dataset.outputs}
    return create(name, **arguments), NetworkSource(name, registered=True, arguments=arguments)


def source_of(net: nn.Module) -> NetworkSource:
    """Registered, when the registry builds the very same layers; else the class's name and, where it has one, its file's text."""
    if isinstance(net, SimpleNet | Net) and type(net) in _GUIDE:
        name, shape = _GUIDE[type(net)]
        if _rebuilds(net, name, shape, net.classes):
            return NetworkSource(name, registered=True, arguments={"input_shape": list(shape), "outputs": net.classes})
    return NetworkSource(type(net).__name__, registered=False, source=_file_text(type(net)))


def _rebuilds(net: nn.Module, name: str, shape: tuple[int, ...], outputs: int) -> bool:
    with torch.device("meta"):
        return repr(create(name, input_shape=shape, outputs=outputs)) == repr(net)


def _file_text(net_class: type[nn.Module]) -> str | None:
    """None for a class of a library, and for one that was typed into a prompt."""
    if net_class.__module__.partition(".")[0] in _LIBRARIES:
        return None
    module = sys.modules.get(net_class.__module__)
    if module is None:
        return None
    try:
        text = inspect.getsource(module)
    except (OSError, TypeError):
        return None
    return text if _defines(text, net_class.__name__) else None


def _defines(text: str, class_name: str) -> bool:
    """A file that was changed after its import may no longer hold the class."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return False
    return any(isinstance(node, ast.ClassDef) and node.name == class_name for node in ast.walk(tree))


def _described(net: object) -> str:
    if isinstance(net, type):
        return f"the class {net.__name__}, which is no torch.nn.Module"
    return f"{Path(net).name} (a path)" if isinstance(net, Path) else f"a {type(net).__name__}"
