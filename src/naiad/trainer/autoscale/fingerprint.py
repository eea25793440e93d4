"""Fingerprint of what a measurement was made on: the network, the data, the user's overrides, Naiad and the machine.

Two runs whose measurements may differ must not have the same fingerprint; the reverse only costs another measurement. The data
are known by their counts and some samples from all over them, as reading all would take longer than it is worth.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType
from typing import Any

import torch
from torch import Tensor, nn

import naiad
from naiad.trainer.data.dataset import Dataset, Split, sample_evenly
from naiad.trainer.machine import device
from naiad.trainer.machine.seeding import fork_rng

_FORMAT = 3
_SAMPLES, _STREAMED_SAMPLES = 256, 16
"""Samples that are read, at most; fewer where each has to be decoded."""
_SAMPLE_BYTES = 1 << 20
"""Bytes of the samples that are read, all together."""
_MODULE_ATTRIBUTES = frozenset(vars(nn.Module()))
"""Attributes that every module has: its submodules, which are visited one by one, and hooks."""


def fingerprint(net: nn.Module, dataset: Dataset, overrides: Mapping[str, Any]) -> str:
    """Returns a sha256 in hex, equal in every process on the same machine. Takes milliseconds, however large the data are."""
    facts = {
        "format": _FORMAT,
        "naiad": naiad.__version__,
        "modules": [(name, type(module).__qualname__, _settings(module)) for name, module in net.named_modules()],
        "code": sorted({_class_code(kind) for module in net.modules() for kind in type(module).__mro__}),
        "weights": [
            (name, list(value.shape), str(value.dtype), value.requires_grad) for name, value in net.named_parameters()
        ],
        "data": [str(dataset.task), dataset.outputs, _split_facts(dataset.train)],
        "overrides": sorted((name, repr(value)) for name, value in overrides.items()),
        "machine": [device.best_device(), device.usable_cores(), sorted(device.cpu_flags()), str(torch.__version__)],
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _settings(module: nn.Module) -> list[tuple[str, Any]]:
    """Strides, probabilities, names of functions: what a module computes with besides its weights."""
    return sorted((name, _plain(value)) for name, value in vars(module).items() if name not in _MODULE_ATTRIBUTES)


def _plain(value: object) -> Any:
    """The value for JSON. Functions stand for their code and other objects for their type, as addresses change by process."""
    match value:
        case None | bool() | int() | float() | str() | torch.dtype() | torch.device():
            return repr(value)
        case list() | tuple():
            return [_plain(item) for item in value]
        case dict():
            return [[repr(key), _plain(item)] for key, item in value.items()]
        case FunctionType():
            defaults = (value.__defaults__, value.__kwdefaults__, getattr(value, "__wrapped__", None))
            return [_code_digest(value.__code__), _plain(defaults)]
        case _:
            return str(getattr(value, "__qualname__", type(value).__qualname__))


def _class_code(kind: type) -> str:
    """The methods and attributes of a network's class; torch's own are known by torch's version."""
    if kind.__module__.partition(".")[0] in {"torch", "builtins"}:
        return ""
    members = {name: _unwrap(value) for name, value in vars(kind).items()}
    own = {
        name: _plain(value) for name, value in members.items() if isinstance(value, FunctionType) or name[:2] != "__"
    }
    return json.dumps([kind.__qualname__, own], sort_keys=True)


def _unwrap(value: object) -> object:
    """The function behind a static method, a class method or a property."""
    return getattr(value, "__func__", getattr(value, "fget", value))


def _code_digest(code: CodeType) -> str:
    """sha256 of bytecode, names and constants: known without a source file, and the same wherever in a file the code stands."""
    digest = hashlib.sha256(code.co_code + repr((code.co_names, code.co_varnames)).encode())
    for constant in _constants(code.co_consts):
        digest.update(constant.encode())
    return digest.hexdigest()


def _constants(values: Any) -> Iterator[str]:
    for value in values:
        match value:
            case CodeType():
                yield _code_digest(value)
            case frozenset():  # its order changes by process
                yield repr(sorted(map(repr, value)))
            case tuple():
                yield from _constants(value)
            case _:
                yield f"{value!r};"


def _split_facts(split: Split) -> list[Any]:
    samples, targets = split.samples, split.targets
    counts = [len(split), list(samples.sample_shape), str(samples.dtype)]
    if targets is not None and not targets.is_floating_point():
        counts.append(torch.bincount(targets).tolist())
    sample_bytes = max(1, samples.sample_shape.numel() * samples.dtype.itemsize)
    most = _SAMPLES if samples.in_memory else _STREAMED_SAMPLES
    with fork_rng(0):  # a user's samples may draw random numbers
        few = sample_evenly(split, max(1, min(most, _SAMPLE_BYTES // sample_bytes)))
    raw = few.samples.take(torch.arange(len(few)))
    return [
        *counts,
        list(map(str, few.names)),
        *(_tensor_digest(values) for values in (raw, few.targets) if values is not None),
    ]


def _tensor_digest(values: Tensor) -> str:
    return hashlib.sha256(values.cpu().contiguous().numpy().tobytes()).hexdigest()
