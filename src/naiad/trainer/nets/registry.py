"""The networks that have a name: what ``naiad nets`` lists and ``fit`` takes as a word.

To add one: its class in a file of its own, one entry here, one test.
"""

import difflib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from naiad.errors import NetworkError, OptionError, nearest
from naiad.trainer.data.dataset import Task
from naiad.trainer.nets import vision
from naiad.trainer.nets.autoencoder import flat_autoencoder, image_autoencoder
from naiad.trainer.nets.guide import Net, SimpleNet
from naiad.trainer.nets.mlp import MLP, WideDeep
from naiad.trainer.nets.residual import ResidualCNN

Build = Callable[[tuple[int, ...], int, Mapping[str, Any]], nn.Module]
"""(input shape, outputs, options) in, a network out."""

_SUPERVISED = (Task.CLASSIFICATION, Task.REGRESSION)


@dataclass(frozen=True)
class NetEntry:
    """A network by name."""

    name: str
    family: str
    input: str
    """What it takes, for people: ``1×28×28 images``."""
    summary: str
    tasks: tuple[Task, ...]
    kinds: tuple[str, ...]
    """Kinds of input schemas that it takes: ``image``, ``array``, ``table``."""
    options: tuple[str, ...]
    """What ``create`` takes as options."""
    build: Build


def create(
    name: str, *, input_shape: Sequence[int], outputs: int, options: Mapping[str, Any] | None = None
) -> nn.Module:
    """A new network with torch's own initial weights.

    input_shape: of one sample as ``features`` gives it, without N. outputs: numbers a sample; autoencoders do not use it.
    options: what the family takes besides (``NetEntry.options``). Raises NetworkError, OptionError.
    """
    entry = _entry(name)
    chosen = dict(options or {})
    for option in chosen:
        if option not in entry.options:
            hint = nearest(option, entry.options) if entry.options else "it takes none"
            raise OptionError(f"{name} has no option {option!r}", hint=hint)
    return entry.build(tuple(input_shape), outputs, chosen)


def check_name(name: str) -> None:
    """Raises NetworkError that offers the nearest name for one that no network has."""
    _entry(name)


def entries() -> tuple[NetEntry, ...]:
    """Naiad's own networks, then torchvision's models."""
    return (*_OWN.values(), *(_torchvision(model) for model in vision.model_names()))


def _entry(name: str) -> NetEntry:
    if name in _OWN:
        return _OWN[name]
    model = name.removeprefix(vision.PREFIX)
    if name.startswith(vision.PREFIX) and model in vision.model_names():
        return _torchvision(model)
    raise NetworkError(f"no network is called {name!r}", hint=_hint(name))


def _hint(name: str) -> str:
    known = {own: own for own in _OWN} | {model: vision.PREFIX + model for model in vision.model_names()}
    near = difflib.get_close_matches(name.lower().removeprefix(vision.PREFIX), known, n=1)
    if near:
        return f"did you mean {known[near[0]]!r}?"
    return f"known: {', '.join(_OWN)}, {vision.PREFIX}…; a network of your own is given as file.py:Class"


# ---- how each is built


def _guide(net: type[SimpleNet | Net], shape: tuple[int, ...]) -> Build:
    name = net.__name__.lower()

    def build(input_shape: tuple[int, ...], outputs: int, _: Mapping[str, Any]) -> nn.Module:
        if input_shape != shape:
            raise NetworkError(
                f"{name} takes input of shape {shape}, the data has shape {input_shape}",
                hint=f"image_size={shape[1]} resizes images; 'residual' takes any size",
            )
        return net(outputs)

    return build


def _supervised(net: Callable[..., nn.Module]) -> Build:
    return lambda input_shape, outputs, options: net(input_shape, outputs, **options)


def _autoencoder(net: Callable[..., nn.Module]) -> Build:
    return lambda input_shape, _, options: net(input_shape, **options)


def _torchvision(model: str) -> NetEntry:
    return NetEntry(
        name=vision.PREFIX + model,
        family="torchvision",
        input="images",
        summary="torchvision's, with weights of its own to learn",
        tasks=_SUPERVISED,
        kinds=("image", "array"),
        options=(),
        build=lambda input_shape, outputs, _: vision.build(model, input_shape, outputs),
    )


def _options(net: Callable[..., nn.Module]) -> tuple[str, ...]:
    parameters = inspect.signature(net).parameters.values()
    return tuple(parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY)


_IMAGES = ("image", "array")
_ANY = ("image", "array", "table")
_OWN = {
    entry.name: entry
    for entry in (
        NetEntry(
            "simplenet", "guide", "1×28×28 images", "two convolutions, two linear layers",
            _SUPERVISED, _IMAGES, (), _guide(SimpleNet, (1, 28, 28)),
        ),
        NetEntry(
            "net", "guide", "3×32×32 images", "three convolutions, two linear layers",
            _SUPERVISED, _IMAGES, (), _guide(Net, (3, 32, 32)),
        ),
        NetEntry(
            "residual", "residual", "images of 8×8 or more", "a small residual network with BatchNorm",
            _SUPERVISED, _IMAGES, _options(ResidualCNN), _supervised(ResidualCNN),
        ),
        NetEntry(
            "mlp", "mlp", "any", "linear layers with an activation between them",
            _SUPERVISED, _ANY, _options(MLP), _supervised(MLP),
        ),
        NetEntry(
            "wide-deep", "mlp", "any", "a linear model plus an MLP that starts at zero",
            _SUPERVISED, _ANY, _options(WideDeep), _supervised(WideDeep),
        ),
        NetEntry(
            "autoencoder", "autoencoder", "any", "an embedding for clustering, by linear layers",
            (Task.CLUSTERING,), _ANY, _options(flat_autoencoder), _autoencoder(flat_autoencoder),
        ),
        NetEntry(
            "conv-autoencoder", "autoencoder", "images", "an embedding for clustering, by convolutions",
            (Task.CLUSTERING,), _IMAGES, _options(image_autoencoder), _autoencoder(image_autoencoder),
        ),
    )
}  # fmt: skip
