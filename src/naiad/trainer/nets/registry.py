"""Registry of the networks that have a name: ``naiad nets`` lists them, and ``fit`` takes their names.

To add one: its class in a file of its own, one entry here, one test.
"""

import difflib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from naiad.errors import NetworkError, OptionError, did_you_mean
from naiad.trainer.data.dataset import Task
from naiad.trainer.nets import torchvision_models
from naiad.trainer.nets.autoencoder import flat_autoencoder, image_autoencoder
from naiad.trainer.nets.guide import Net, SimpleNet
from naiad.trainer.nets.mlp import MLP, WideDeep
from naiad.trainer.nets.residual import ResidualCNN
from naiad.trainer.nets.table import TableEnsemble

Build = Callable[[tuple[int, ...], int, Mapping[str, Any]], nn.Module]
"""(input shape, outputs, options) in, a network out."""

_SUPERVISED = (Task.CLASSIFICATION, Task.REGRESSION)


@dataclass(frozen=True)
class NetworkEntry:
    """One network of the registry."""

    name: str
    family: str
    input: str
    """Its input as text: ``1×28×28 images``."""
    summary: str
    tasks: tuple[Task, ...]
    options: tuple[str, ...]
    """Names of the options of ``create_network``."""
    build: Build


def create_network(
    name: str, *, input_shape: Sequence[int], outputs: int, options: Mapping[str, Any] | None = None
) -> nn.Module:
    """Returns a new network with torch's own initial weights.

    input_shape: of one sample as the features module gives it, without N. outputs: values a sample; autoencoders ignore it.
    options: by the names in ``NetworkEntry.options``. Raises NetworkError, OptionError.
    """
    entry = find_network(name)
    options = dict(options or {})
    for option in options:
        if option not in entry.options:
            hint = did_you_mean(option, entry.options) if entry.options else "it takes none"
            raise OptionError(f"{name} has no option {option!r}", hint=hint)
    return entry.build(tuple(input_shape), outputs, options)


def check_network_name(name: str) -> None:
    """Raises NetworkError, with the most similar name as hint, where no network has the name."""
    find_network(name)


def list_networks() -> tuple[NetworkEntry, ...]:
    """Returns Naiad's own networks, then torchvision's models."""
    return (*_NAIAD_NETWORKS.values(), *(_torchvision_entry(model) for model in torchvision_models.model_names()))


def find_network(name: str) -> NetworkEntry:
    """Raises NetworkError, with the most similar name as hint, where no network has the name."""
    if name in _NAIAD_NETWORKS:
        return _NAIAD_NETWORKS[name]
    model = name.removeprefix(torchvision_models.PREFIX)
    if name.startswith(torchvision_models.PREFIX) and model in torchvision_models.model_names():
        return _torchvision_entry(model)
    raise NetworkError(f"no network is called {name!r}", hint=_suggest(name))


def _suggest(name: str) -> str:
    known = {own: own for own in _NAIAD_NETWORKS} | {
        model: torchvision_models.PREFIX + model for model in torchvision_models.model_names()
    }
    near = difflib.get_close_matches(name.lower().removeprefix(torchvision_models.PREFIX), known, n=1)
    if near:
        return f"did you mean {known[near[0]]!r}?"
    return f"known: {', '.join(_NAIAD_NETWORKS)}, {torchvision_models.PREFIX}…; a network of your own is given as file.py:Class"


# ---- builders


def _build_guide_network(net: type[SimpleNet | Net], shape: tuple[int, ...]) -> Build:
    name = net.__name__.lower()

    def build(input_shape: tuple[int, ...], outputs: int, options: Mapping[str, Any]) -> nn.Module:
        if input_shape != shape:
            raise NetworkError(
                f"{name} takes input of shape {shape}, the data has shape {input_shape}",
                hint=f"image_size={shape[1]} resizes images; 'residual' takes any size",
            )
        return net(outputs, **options)

    return build


def _build_supervised(net: Callable[..., nn.Module]) -> Build:
    return lambda input_shape, outputs, options: net(input_shape, outputs, **options)


def _build_autoencoder(net: Callable[..., nn.Module]) -> Build:
    return lambda input_shape, _, options: net(input_shape, **options)


def _torchvision_entry(model: str) -> NetworkEntry:
    return NetworkEntry(
        name=torchvision_models.PREFIX + model,
        family="torchvision",
        input="images",
        summary="a model of torchvision, not pretrained",
        tasks=_SUPERVISED,
        options=(),
        build=lambda input_shape, outputs, _: torchvision_models.build_model(model, input_shape, outputs),
    )


def _option_names(net: Callable[..., nn.Module]) -> tuple[str, ...]:
    parameters = inspect.signature(net).parameters.values()
    return tuple(parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY)


_ENTRIES = (
    NetworkEntry(
        name="simplenet",
        family="guide",
        input="1×28×28 images",
        summary="two convolutions, two linear layers",
        tasks=_SUPERVISED,
        options=_option_names(SimpleNet),
        build=_build_guide_network(SimpleNet, (1, 28, 28)),
    ),
    NetworkEntry(
        name="net",
        family="guide",
        input="3×32×32 images",
        summary="three convolutions, two linear layers",
        tasks=_SUPERVISED,
        options=_option_names(Net),
        build=_build_guide_network(Net, (3, 32, 32)),
    ),
    NetworkEntry(
        name="residual",
        family="residual",
        input="images of 8×8 or more",
        summary="a small residual network with BatchNorm",
        tasks=_SUPERVISED,
        options=_option_names(ResidualCNN),
        build=_build_supervised(ResidualCNN),
    ),
    NetworkEntry(
        name="mlp",
        family="mlp",
        input="any",
        summary="linear layers with an activation between them",
        tasks=_SUPERVISED,
        options=_option_names(MLP),
        build=_build_supervised(MLP),
    ),
    NetworkEntry(
        name="wide-deep",
        family="mlp",
        input="any",
        summary="a linear model plus an MLP that starts at zero",
        tasks=_SUPERVISED,
        options=_option_names(WideDeep),
        build=_build_supervised(WideDeep),
    ),
    NetworkEntry(
        name="table",
        family="table",
        input="rows of numbers",
        summary="an average of small networks, on numbers in bins",
        tasks=_SUPERVISED,
        options=_option_names(TableEnsemble),
        build=_build_supervised(TableEnsemble),
    ),
    NetworkEntry(
        name="autoencoder",
        family="autoencoder",
        input="any",
        summary="an embedding for clustering, by linear layers",
        tasks=(Task.CLUSTERING,),
        options=_option_names(flat_autoencoder),
        build=_build_autoencoder(flat_autoencoder),
    ),
    NetworkEntry(
        name="conv-autoencoder",
        family="autoencoder",
        input="images",
        summary="an embedding for clustering, by convolutions",
        tasks=(Task.CLUSTERING,),
        options=_option_names(image_autoencoder),
        build=_build_autoencoder(image_autoencoder),
    ),
)
_NAIAD_NETWORKS = {entry.name: entry for entry in _ENTRIES}
