"""The space where none is given: from the network, the data and the plan that ``fit`` would follow.

Ranges are around the values of that plan: automatic scaling knows where to look. The learning rate and the weight decay are
factors of what the rules say for the trial's optimizer and batch size, so one dimension serves all optimizers.
"""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from naiad.trainer.data.dataset import Dataset, Task
from naiad.trainer.nets.blocks import ACTIVATIONS
from naiad.trainer.optim.muon import hidden_weights
from naiad.trainer.plan.plan import CHOICES, Plan
from naiad.trainer.tuning.activations import ActivationReport
from naiad.trainer.tuning.dimension import Dimension, Kind, Scale
from naiad.trainer.tuning.networks import ACTIVATION, DEPTH, DROPOUT, DROPOUTS, NETWORK_PREFIX, WIDTH

_RATE_BELOW, _RATE_ABOVE = 0.1, 8.0
_DECAY_BELOW, _DECAY_ABOVE = 0.1, 10.0
_LEAST_BATCH, _BATCH_FACTOR, _LEAST_STEPS = 8, 4, 20
"""Smallest batch, how many times smaller or larger than the plan's, and steps that an epoch keeps."""
_MOST_SMOOTHING, _MOST_DROPOUT = 0.2, 0.5
_ACTIVATIONS = ("relu", "gelu", "silu", "leaky_relu")
_SIZES = (WIDTH, "hidden", "hidden_size", "channels", DEPTH, "layers", "num_layers")
"""Parameters of a network that are sizes, where their default is a whole number."""
_DEPTHS = (DEPTH, "layers", "num_layers")


@dataclass(frozen=True)
class SpaceFacts:
    """Facts that the default space is made from."""

    net: nn.Module
    dataset: Dataset
    plan: Plan
    parameters: Mapping[str, Any]
    """The network's own parameters with their defaults."""
    activations: ActivationReport
    has_dropout: bool


def default_space(facts: SpaceFacts, overrides: Mapping[str, Any]) -> list[Dimension]:
    """Returns the dimensions. overrides: choices that the user keeps, which are left out."""
    plan_dimensions = [
        _log("learning_rate_factor", _RATE_BELOW, _RATE_ABOVE),
        _batch_size(facts),
        _log("weight_decay_factor", _DECAY_BELOW, _DECAY_ABOVE) if facts.plan.weight_decay > 0 else None,
        _optimizers(facts),
        _categories("schedule", ("one-cycle", "cosine"), first=facts.plan.schedule),
        _augment(facts),
        _label_smoothing(facts),
    ]
    kept = [
        dimension
        for dimension in plan_dimensions
        if dimension is not None and dimension.name.removesuffix("_factor") not in overrides
    ]
    return [*kept, *_network_dimensions(facts)]


def _network_dimensions(facts: SpaceFacts) -> list[Dimension]:
    dimensions = [_size(name, facts.parameters[name]) for name in _SIZES if name in facts.parameters]
    if WIDTH in facts.parameters:  # the lists of widths that it stands for
        dimensions = [one for one in dimensions if one is None or one.name in (WIDTH, DEPTH)]
    found = [dimension for dimension in dimensions if dimension is not None]
    if ACTIVATION in facts.parameters or facts.activations.modules:
        found.append(_categories(ACTIVATION, _ACTIVATIONS, first=facts.activations.current))
    if facts.has_dropout:
        found.append(Dimension(DROPOUT, Kind.CONTINUOUS, 0.0, _MOST_DROPOUT))
    return found


def _batch_size(facts: SpaceFacts) -> Dimension | None:
    size, most = facts.plan.batch_size, max(1, len(facts.dataset.train) // _LEAST_STEPS)
    low = max(min(_LEAST_BATCH, size), size // _BATCH_FACTOR)
    high = max(size, min(size * _BATCH_FACTOR, most))
    return Dimension("batch_size", Kind.INTEGER, low, high, Scale.LOG) if low < high else None


def _optimizers(facts: SpaceFacts) -> Dimension:
    has_matrices = next(iter(hidden_weights(facts.net)), None) is not None
    return _categories("optimizer", ("adamw", "sgd", *(("muon",) if has_matrices else ())), first=facts.plan.optimizer)


def _augment(facts: SpaceFacts) -> Dimension | None:
    if len(tuple(facts.dataset.schema.sample_shape)) != 3 or facts.dataset.task is Task.CLUSTERING:
        return None
    return _categories("augment", ("none", "shift", "flip", "flip+shift"), first="+".join(facts.plan.augment) or "none")


def _label_smoothing(facts: SpaceFacts) -> Dimension | None:
    if facts.dataset.task is not Task.CLASSIFICATION:
        return None
    return Dimension("label_smoothing", Kind.CONTINUOUS, 0.0, _MOST_SMOOTHING)


def _size(name: str, default: Any) -> Dimension | None:
    if isinstance(default, bool) or not isinstance(default, int) or default is inspect.Parameter.empty or default < 1:
        return None
    if name in _DEPTHS:
        return Dimension(name, Kind.INTEGER, max(1, default - 1), default + 2)
    return Dimension(name, Kind.INTEGER, max(1, default // 4), default * 2, Scale.LOG)


def _log(name: str, low: float, high: float) -> Dimension:
    return Dimension(name, Kind.CONTINUOUS, low, high, Scale.LOG)


def _categories(name: str, usual: tuple[str, ...], *, first: str | None) -> Dimension:
    """first: the present value, which is among the values in any case."""
    known = usual if first is None or (name == ACTIVATION and first not in ACTIVATIONS) else (first, *usual)
    return Dimension(name, Kind.CATEGORICAL, choices=tuple(dict.fromkeys(known)))


def base_values(facts: SpaceFacts, names: tuple[str, ...]) -> dict[str, Any]:
    """Returns trial 0's values for names of the space, as far as they are known.

    names: of choices of the plan, of factors, and of the network's parameters, these with or without the prefix of ``Targets``.
    """
    plan = {name: getattr(facts.plan, name) for name in names if name in CHOICES}
    joined = {name: "+".join(value) or "none" if isinstance(value, tuple) else value for name, value in plan.items()}
    factors = {name: 1.0 for name in names if name.endswith("_factor")}
    network = {
        name: facts.parameters[bare]
        for name in names
        if name not in plan and (bare := name.removeprefix(NETWORK_PREFIX)) in facts.parameters
    }
    known = {name: value for name, value in network.items() if value is not inspect.Parameter.empty}
    activation = {ACTIVATION: facts.activations.current} if ACTIVATION in names and facts.activations.current else {}
    rates = [module.p for module in facts.net.modules() if isinstance(module, DROPOUTS)]
    dropout = {DROPOUT: next(iter(rates), 0.0)} if DROPOUT in names and facts.has_dropout else {}
    return {**dropout, **known, **joined, **factors, **activation}
