"""Turns the network argument of ``fit`` into a module and a record of its origin."""

import ast
import inspect
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from naiad.errors import NetworkError, explain_errors
from naiad.trainer.data.dataset import Dataset, Split, Task, sample_evenly, target_mean_and_std
from naiad.trainer.nets.blocks import activation_name
from naiad.trainer.nets.guide import Net, SimpleNet
from naiad.trainer.nets.network_file import instantiate, is_file_reference, load_network_file
from naiad.trainer.nets.network_source import NetworkSource
from naiad.trainer.nets.registry import create_network
from naiad.trainer.nets.residual import MIN_SIDE
from naiad.trainer.nets.table import TableEnsemble, choose_bins

_TABLE = "table"
_TABLE_SAMPLES = 20_000
"""Training samples to which the bins and the linear part of a network for tables are fitted."""
_LIBRARY_PACKAGES = ("naiad", "torch", "torchvision")
_GUIDE_NETWORKS: dict[type[nn.Module], tuple[str, tuple[int, ...]]] = {
    SimpleNet: ("simplenet", (1, 28, 28)),
    Net: ("net", (3, 32, 32)),
}


@explain_errors(NetworkError, "the network cannot be used")
def resolve_network(
    net: nn.Module | type[nn.Module] | str | None, *, dataset: Dataset, options: Mapping[str, Any] | None = None
) -> tuple[nn.Module, NetworkSource]:
    """Returns the network to train, and its record.

    net: a module, a class that needs no arguments, a registry name, ``file.py:Class``, or None for the default network.
    options: of a network of the registry, by name. Raises NetworkError, OptionError.
    """
    match net:
        case None:
            return _create_for(default_network_name(dataset), dataset, options or {})
        case str() if is_file_reference(net):
            return load_network_file(net)
        case str():
            return _create_for(net, dataset, options or {})
        case nn.Module():
            return net, find_network_source(net)
        case type() if issubclass(net, nn.Module):
            module = instantiate(net)
            return module, find_network_source(module)
    raise NetworkError(
        f"a network is a torch.nn.Module, a name or file.py:Class, given {_format_argument(net)}",
        hint="`naiad nets` lists the names; net=None chooses a network for the data",
    )


def default_network_name(dataset: Dataset) -> str:
    """Returns the registry name of the network that is used where the user names none."""
    shape = network_input_shape(dataset)
    if dataset.task is Task.CLUSTERING:
        return "conv-autoencoder" if _is_image_shape(shape) else "autoencoder"
    return "residual" if _is_image_shape(shape) else "table"


@torch.no_grad()
def network_input_shape(dataset: Dataset) -> tuple[int, ...]:
    """Returns the shape of one sample as ``dataset.features`` gives it, without N."""
    raw = torch.zeros((1, *dataset.schema.sample_shape), dtype=dataset.schema.dtype)
    return tuple(dataset.features(raw).shape[1:])


def _is_image_shape(shape: tuple[int, ...]) -> bool:
    return len(shape) == 3 and min(shape[1:]) >= MIN_SIDE


def _create_for(name: str, dataset: Dataset, options: Mapping[str, Any]) -> tuple[nn.Module, NetworkSource]:
    arguments: dict[str, Any] = {"input_shape": list(network_input_shape(dataset)), "outputs": dataset.outputs}
    if options:
        arguments["options"] = dict(options)
    if name == _TABLE:
        return _create_for_table(arguments, dataset)
    return create_network(name, **arguments), NetworkSource(name, registered=True, arguments=arguments)


@torch.no_grad()
def _create_for_table(arguments: dict[str, Any], dataset: Dataset) -> tuple[nn.Module, NetworkSource]:
    """Returns the network with bins, and a linear part, that fit the training data."""
    split = sample_evenly(dataset.train, _TABLE_SAMPLES)
    inputs: Tensor = dataset.features(split.samples.take(torch.arange(len(split))))
    arguments = {**arguments, "options": {"bins": choose_bins(inputs), **arguments.get("options", {})}}
    net = create_network(_TABLE, **arguments)
    assert isinstance(net, TableEnsemble)
    net.fit_bins(inputs)
    if split.targets is not None and dataset.task is not Task.CLUSTERING:
        net.fit_linear(inputs, _learnt_targets(dataset.task, split), split.weights)
    return net, NetworkSource(_TABLE, registered=True, arguments=arguments)


def _learnt_targets(task: Task, split: Split) -> Tensor:
    """Returns indices of classes, or values of mean 0 and deviation 1, as the network will learn them."""
    assert split.targets is not None
    if task is Task.CLASSIFICATION:
        return split.targets.long()
    mean, std = target_mean_and_std(split.targets, split.weights)
    return ((split.targets - mean) / std).float()


def find_network_source(net: nn.Module) -> NetworkSource:
    """Returns the registry's record if the registry builds the same layers, else the class's name and its file's text, if any."""
    if isinstance(net, SimpleNet | Net) and type(net) in _GUIDE_NETWORKS:
        name, shape = _GUIDE_NETWORKS[type(net)]
        activation = activation_name(net.activation)
        arguments: dict[str, Any] = {"input_shape": list(shape), "outputs": net.classes}
        if activation is not None and activation != "relu":
            arguments["options"] = {"activation": activation}
        if _is_built_by_registry(net, name, arguments):
            return NetworkSource(name, registered=True, arguments=arguments)
    return NetworkSource(type(net).__name__, registered=False, source=_source_text(type(net)))


def _is_built_by_registry(net: nn.Module, name: str, arguments: Mapping[str, Any]) -> bool:
    with torch.device("meta"):
        return repr(create_network(name, **arguments)) == repr(net)


def _source_text(net_class: type[nn.Module]) -> str | None:
    """Returns None for a class of a library, and for one that was typed into a prompt."""
    if net_class.__module__.partition(".")[0] in _LIBRARY_PACKAGES:
        return None
    module = sys.modules.get(net_class.__module__)
    if module is None:
        return None
    try:
        text = inspect.getsource(module)
    except (OSError, TypeError):
        return None
    return text if _defines_class(text, net_class.__name__) else None


def _defines_class(text: str, class_name: str) -> bool:
    """Whether the text defines the class; a file that was changed after its import may not."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return False
    return any(isinstance(node, ast.ClassDef) and node.name == class_name for node in ast.walk(tree))


def _format_argument(net: object) -> str:
    if isinstance(net, type):
        return f"the class {net.__name__}, which is no torch.nn.Module"
    return f"{Path(net).name} (a path)" if isinstance(net, Path) else f"a {type(net).__name__}"
