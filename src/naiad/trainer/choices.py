"""Chooses what the user left out of a plan, each choice by a rule that says its reason.

Rules only, no timing: the same machine, network and data give the same plan every time. Whether a number format agrees is
checked on a copy of the network, so the run itself is not touched.
"""

import math
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, fields
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import torch
from torch import nn

from naiad.errors import OptionError, nearest
from naiad.trainer import device as machine
from naiad.trainer.data.augment import AUGMENTATIONS
from naiad.trainer.data.batches import steps_per_epoch
from naiad.trainer.data.dataset import Dataset, Task
from naiad.trainer.optimizers import OPTIMIZERS
from naiad.trainer.plan import Plan, Reason, choice_names
from naiad.trainer.schedule import SCHEDULES

_BY_USER = Reason("set by the user")
_NAMES = {
    "optimizer": tuple(OPTIMIZERS),
    "schedule": SCHEDULES,
    "augment": AUGMENTATIONS,
    "precision": ("fp32", "bf16"),
    "memory_format": ("contiguous", "channels_last"),
    "keep": ("last", "best"),
}
_FIXED = {"total_steps", "feed", "seed"}
"""Follow from other choices or from the data."""


def check_wishes(wishes: Mapping[str, Any]) -> dict[str, Any]:
    """Raises OptionError for an unknown name, a wrong type or a value out of range."""
    settable = [name for name in choice_names() if name not in _FIXED]
    types = get_type_hints(Plan)
    checked = {}
    for name, value in wishes.items():
        if name not in settable:
            raise OptionError(f"plan has no choice {name!r}", hint=nearest(name, settable))
        checked[name] = _checked(name, value, types[name])
    return checked


def make_plan(net: nn.Module, dataset: Dataset, wishes: Mapping[str, Any], *, seed: int) -> Plan:
    """``wishes`` are kept as they are (see ``check_wishes``); the rest is chosen."""
    builder = _Builder(net, dataset, dict(check_wishes(wishes)))
    return builder.build(seed)


@dataclass
class _Builder:
    net: nn.Module
    dataset: Dataset
    wishes: dict[str, Any]

    def build(self, seed: int) -> Plan:
        self.chosen: dict[str, Any] = {}
        self.reasons: dict[str, Reason] = {}
        self._length()
        self._optimizer()
        self._regularisation()
        self._machine()
        self._keep("seed", seed, "the same seed gives the same run")
        order = {field.name: None for field in fields(Plan)}
        values = {name: self.chosen[name] for name in order if name != "reasons"}
        return Plan(**values, reasons=tuple((name, self.reasons[name]) for name in values))

    def _keep(self, name: str, value: Any, why: str, *, measured: str | None = None) -> Any:
        by_user = name in self.wishes
        self.chosen[name] = self.wishes[name] if by_user else value
        self.reasons[name] = _BY_USER if by_user else Reason(why, measured)
        return self.chosen[name]

    def _length(self) -> None:
        samples = len(self.dataset.train)
        most = 60 if self.dataset.task is Task.REGRESSION else 100
        epochs = max(10, min(most, round(200_000 / max(1, samples))))
        epochs = self._keep("epochs", epochs, f"for {samples:,} samples; fewer samples are seen more often")
        size = next(size for least, size in ((5_000, 128), (500, 64), (0, 16)) if samples >= least)
        size = self._keep("batch_size", size, f"for {samples:,} samples: the kernels are full, the updates still many")
        self._keep("microbatch_size", size, "the whole batch; halved if memory runs out")
        steps = steps_per_epoch(samples, size)
        self._keep("total_steps", epochs * steps, f"{epochs} epochs of {steps} steps")
        self._keep("time_limit_s", None, "none was set")
        self._keep("checkpoint_steps", 500, "and at every epoch's end")

    def _optimizer(self) -> None:
        kinds = {type(module) for module in self.net.modules()}
        convolutional = bool(kinds & {nn.Conv1d, nn.Conv2d, nn.Conv3d})
        attentive = bool(kinds & {nn.MultiheadAttention, nn.LayerNorm, nn.TransformerEncoderLayer, nn.Embedding})
        supervised = self.dataset.task is Task.CLASSIFICATION
        sgd = convolutional and not attentive and supervised
        why = "a convolutional classifier" if sgd else "not a plain convolutional classifier"
        name = self._keep("optimizer", "sgd" if sgd else "adamw", f"{why}; fused where torch has it")
        self._learning_rate(name)
        self._keep("momentum", 0.9, "Nesterov momentum" if name == "sgd" else "not used by adamw")
        decay = 5e-4 if name == "sgd" else 1e-2
        self._keep("weight_decay", decay, "weight matrices only; gains and biases are not decayed")
        self._keep("schedule", "one-cycle", "climbs, then falls to zero: the fewest epochs for an accuracy")
        self._keep("warmup_fraction", 0.15, "short climb")

    def _learning_rate(self, optimizer: str) -> None:
        if optimizer == "sgd":
            self._keep("learning_rate", 0.1, "the usual peak for sgd at this batch size")
        elif self.dataset.task is Task.REGRESSION:
            rate = 1e-3 * math.sqrt(self.chosen["batch_size"] / 64)
            self._keep(
                "learning_rate", round(rate, 5), "a regression wants small steps, larger ones with larger batches"
            )
        else:
            self._keep("learning_rate", 3e-3, f"the usual peak for {optimizer}")

    def _regularisation(self) -> None:
        self._keep("clip_norm", 2.0, "a rare large gradient does not throw the run off")
        self._keep("label_smoothing", 0.0, "the loss stays the one that is reported")
        augment = self._keep("augment", (), "what may be flipped or shifted is for the user to say")
        if augment and len(self.dataset.schema.sample_shape) != 3:
            raise OptionError(
                f"augment is for images; the samples have shape {tuple(self.dataset.schema.sample_shape)}"
            )
        small = len(self.dataset.train) < 5_000 and self.dataset.task is not Task.CLUSTERING
        why = (
            "few samples: the best epoch on the validation split"
            if small
            else "the schedule ends at zero: its last weights are its best"
        )
        self._keep("keep", "best" if small else "last", why)
        if self.dataset.task is Task.REGRESSION:
            self._keep("average", 0.98, "the mean over the last steps fits noisy values better than the last step")
        else:
            self._keep("average", None, "the schedule's end averages enough")
        clustering = self.dataset.task is Task.CLUSTERING
        self._keep("clusters", None, "by silhouette, at the end" if clustering else "not a clustering task")

    def _machine(self) -> None:
        device = self._keep("device", machine.best_device(), "the fastest that torch sees here")
        threads = machine.usable_cores()
        self._keep("threads", threads, f"{threads} cores may be used; a resumed run uses as many")
        in_memory = self.dataset.train.samples.in_memory
        why = (
            "it fits: held as it came, transformed by the batch"
            if in_memory
            else "larger than its share of memory: read one batch ahead"
        )
        self._keep("feed", "memory" if in_memory else "stream", why)
        images = any(isinstance(module, nn.Conv2d) for module in self.net.modules())
        why = "convolutions run along channels" if images else "no two-dimensional convolutions"
        self._keep("memory_format", "channels_last" if images else "contiguous", why)
        self._precision(device, convolutional=images)

    def _precision(self, device: str, *, convolutional: bool) -> None:
        if not machine.has_bf16(device):
            self._keep("precision", "fp32", f"no bf16 units in this {device}")
        elif not convolutional:
            self._keep("precision", "fp32", "small matrices gain nothing from bf16")
        else:
            gap = bf16_gap(self.net, self.dataset)
            agrees = gap < 0.05
            why = (
                "the processor multiplies bf16, and a check agrees"
                if agrees
                else "bf16 does not agree with fp32 on this network"
            )
            self._keep("precision", "bf16" if agrees else "fp32", why, measured=f"relative difference {gap:.1e}")


@torch.no_grad()
def bf16_gap(net: nn.Module, dataset: Dataset) -> float:
    """Largest difference of the outputs in bf16 and fp32, as a part of the largest output, on up to 32 training samples."""
    copy = deepcopy(net).cpu().eval()
    raw = dataset.train.samples.take(torch.arange(min(32, len(dataset.train))))
    inputs = dataset.features(raw)
    exact = copy(inputs).float()
    with torch.autocast("cpu", torch.bfloat16):
        rounded = copy(inputs).float()
    return float((exact - rounded).abs().max() / exact.abs().max().clamp_min(1e-6))


# ---- wishes


def _checked(name: str, value: Any, kind: Any) -> Any:
    allowed = _NAMES.get(name)
    if name == "augment":
        parts = tuple(value.split(",")) if isinstance(value, str) else tuple(value)
        return tuple(_one_of(name, part, allowed or ()) for part in parts if part not in ("", "none"))
    value = _converted(name, value, kind)
    if allowed:
        return _one_of(name, value, allowed)
    if isinstance(value, int | float) and not isinstance(value, bool):
        _check_range(name, value)
    return value


def _converted(name: str, value: Any, kind: Any) -> Any:
    kinds = list(get_args(kind)) if get_origin(kind) is UnionType else [kind]
    if NoneType in kinds and value in (None, "none", "off"):
        return None
    target = next(option for option in kinds if option is not NoneType)
    try:
        converted = target(value)
    except (TypeError, ValueError):
        converted = None
    if converted is None or isinstance(value, bool) or (target is int and float(value) != converted):
        raise OptionError(f"{name} takes {_KIND_NAMES[target]}, given {value!r}")
    return converted


_KIND_NAMES = {int: "a whole number", float: "a number", str: "a name"}


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise OptionError(f"{name} {value!r} is not known", hint=nearest(str(value), allowed))
    return value


_AT_MOST = {"momentum": 0.9999, "warmup_fraction": 0.9, "label_smoothing": 0.9, "average": 0.99999}
_MAY_BE_ZERO = {"momentum", "weight_decay", "warmup_fraction", "label_smoothing"}


def _check_range(name: str, value: float) -> None:
    too_small = value < 0 or (value == 0 and name not in _MAY_BE_ZERO)
    most = _AT_MOST.get(name, float("inf"))
    if too_small or value > most or math.isnan(value):
        least = "0" if name in _MAY_BE_ZERO else "more than 0"
        until = f" and at most {most:g}" if most < float("inf") else ""
        raise OptionError(f"{name} must be {least}{' or more' if least == '0' else ''}{until}, given {value:g}")
