"""The network of each trial: made anew from what the caller gave, with the trial's own values for its parameters.

A module is copied from the weights that it was given with. A class, a factory, a file's class and a network of the registry are
called with the values; the seed decides their initial weights, as in ``fit``.
"""

import inspect
import weakref
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from naiad.errors import NetworkError, OptionError, describe_error
from naiad.trainer import nets
from naiad.trainer.data.dataset import Dataset
from naiad.trainer.nets.network_file import is_file_reference, load_network_class
from naiad.trainer.nets.network_source import NetworkSource
from naiad.trainer.nets.registry import find_network
from naiad.trainer.nets.resolve import default_network_name, find_network_source
from naiad.trainer.tuning.activations import ActivationReport, find_activations, replace_activations
from naiad.trainer.tuning.layer_widths import WIDTHS, LayerWidths

ACTIVATION, DROPOUT, WIDTH, DEPTH = "activation", "dropout", "width", "depth"
DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)
NETWORK_PREFIX = "net."
"""Prefix for a parameter of the network that has the name of a choice of the plan."""
_SAMPLES = 2


@dataclass
class TrialNetworks:
    """Raises NetworkError for what is no network, and for a name that the registry does not have."""

    net: Any
    """The network as ``tune`` was given it."""
    dataset: Dataset
    _factory: Callable[..., Any] | None = field(default=None, init=False)
    _source: NetworkSource | None = field(default=None, init=False)
    _registered: str | None = field(default=None, init=False)
    _starting: dict[str, Any] = field(default_factory=dict, init=False)
    """Values of parameters without a default, where a trial has none."""
    _made: "weakref.ref[nn.Module] | None" = field(default=None, init=False)
    """The network that the factory made last, while it lives."""

    def __post_init__(self) -> None:
        match self.net:
            case nn.Module():
                return
            case None:
                self._registered = default_network_name(self.dataset)
            case str() if is_file_reference(self.net):
                self._factory, self._source = load_network_class(self.net)
            case str():
                self._registered = find_network(self.net).name
            case type() if not issubclass(self.net, nn.Module):
                raise NetworkError(f"the class {self.net.__name__} is no torch.nn.Module")
            case _ if callable(self.net):
                self._factory = self.net
            case _:
                raise NetworkError(
                    f"a network is a module, a class, a function that makes one, a name or file.py:Class, "
                    f"given a {type(self.net).__name__}"
                )

    @property
    def name(self) -> str:
        if self._registered is not None:
            return self._registered
        return getattr(self._factory or type(self.net), "__name__", type(self._factory).__name__)

    def parameters(self) -> dict[str, Any]:
        """Returns the network's own parameters with their defaults; ``inspect.Parameter.empty`` where there is none."""
        if self._registered is not None:
            own = dict.fromkeys(find_network(self._registered).options, inspect.Parameter.empty)
            widths = WIDTHS.get(self._registered)
            return own if widths is None else {**widths.defaults, **own}
        if self._factory is None:
            return {}
        plain = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        try:
            parameters = inspect.signature(self._factory).parameters.values()
        except (ValueError, TypeError):
            return {}
        return {one.name: self._starting.get(one.name, one.default) for one in parameters if one.kind in plain}

    def start_with(self, values: Mapping[str, Any]) -> None:
        """Takes the values for parameters that have no default, among them those of trial 0."""
        self._starting = {name: value for name, value in values.items() if name in self.required()}

    def required(self) -> tuple[str, ...]:
        """Returns the names of the factory's parameters that have no default, and no value to start with."""
        empty = inspect.Parameter.empty
        own = {} if self._factory is None else self.parameters()
        return tuple(name for name, default in own.items() if default is empty)

    def has_fixed_values(self, name: str) -> bool:
        """Whether each value of the name is good or bad by itself. A factory's own may be good together only."""
        return name in (ACTIVATION, DROPOUT) and (self._factory is None or name not in self.parameters())

    def make(self, values: Mapping[str, Any]) -> tuple[nn.Module, NetworkSource]:
        """Returns a new network and its record. values: by the names of ``parameters``, ``activation`` and ``dropout``.

        Raises NetworkError, OptionError where it cannot be made with them.
        """
        own = self.parameters()
        arguments = {name: value for name, value in values.items() if name in own}
        net, source = self._create(arguments)
        if DROPOUT in values and DROPOUT not in own:
            _set_dropout(net, float(values[DROPOUT]))
        if ACTIVATION in values and ACTIVATION not in own:
            replace_activations(net, str(values[ACTIVATION]))
        return net, source

    def activations(self) -> ActivationReport:
        """Reports the activations of the network as it was given."""
        net, _ = self._create({})
        raw = self.dataset.train.samples.take(torch.arange(min(_SAMPLES, len(self.dataset.train))))
        with torch.no_grad():
            return find_activations(net, self.dataset.features(raw))

    def has_dropout(self) -> bool:
        own = self.parameters()
        return DROPOUT in own or any(isinstance(module, DROPOUTS) for module in self._create({})[0].modules())

    def _create(self, arguments: Mapping[str, Any]) -> tuple[nn.Module, NetworkSource]:
        if isinstance(self.net, nn.Module):
            return _copy(self.net), find_network_source(self.net)
        if self._registered is not None:
            widths: LayerWidths | None = WIDTHS.get(self._registered)
            options = dict(arguments) if widths is None else widths.to_options(arguments)
            return nets.resolve_network(self._registered, dataset=self.dataset, options=options)
        assert self._factory is not None
        net = _call(self._factory, self.name, {**self._starting, **arguments})
        if self._made is not None and net is self._made():
            raise NetworkError(
                f"{self.name} returns the same network again, which an earlier trial has trained",
                hint="make a new one in each call, or give the network itself: each trial gets a copy",
            )
        self._made = weakref.ref(net)
        return net, self._source or find_network_source(net)


def _call(factory: Callable[..., Any], name: str, arguments: Mapping[str, Any]) -> nn.Module:
    try:
        net = factory(**arguments)
    except NetworkError:
        raise
    except Exception as error:
        given = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
        raise NetworkError(
            f"{name}({given}) raised {describe_error(error)}",
            hint="parameters without a default must be in the space; see the message for values that do not fit",
        ) from error
    if not isinstance(net, nn.Module):
        raise NetworkError(f"{name} returns a {type(net).__name__}, not a torch.nn.Module")
    return nets.unwrap_network(net).net  # type: ignore[no-any-return]  # reason: what is a module gives a module


def _copy(net: nn.Module) -> nn.Module:
    try:
        return deepcopy(net)
    except Exception as error:
        raise NetworkError(
            f"the network cannot be copied, which each trial needs: {describe_error(error)}",
            hint="give its class, or a function that makes it",
        ) from error


def _set_dropout(net: nn.Module, rate: float) -> None:
    if not 0 <= rate < 1:
        raise OptionError(f"dropout must be 0 or more and less than 1, given {rate:g}")
    modules = [module for module in net.modules() if isinstance(module, DROPOUTS)]
    if not modules:
        raise NetworkError(f"{type(net).__name__} has no dropout modules", hint="leave dropout out of the space")
    for module in modules:
        module.p = rate
