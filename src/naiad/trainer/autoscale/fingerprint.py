"""What a measurement was made on, as one digest: the network, the data, the user's wishes, Naiad and the machine.

Two questions whose answers may differ must not have the same digest; the reverse only costs another measurement. The data are
known by their counts and a spread of samples, as reading all of them would take longer than it is worth.
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

_FORMAT = 2
_SAMPLES, _STREAMED_SAMPLES = 256, 16
"""At most so many are read; fewer where each has to be decoded."""
_SAMPLE_BYTES = 1 << 20
"""Of the samples that are read, all together."""
_OWN = frozenset(vars(nn.Module()))
"""What every module holds: its parts, which are looked at one by one, and hooks."""


def fingerprint(net: nn.Module, dataset: Dataset, wishes: Mapping[str, Any]) -> str:
    """sha256 in hex. Equal in every process on the same machine; takes milliseconds, however large the data are."""
    question = {
        "format": _FORMAT,
        "naiad": naiad.__version__,
        "modules": [(name, type(module).__qualname__, _settings(module)) for name, module in net.named_modules()],
        "code": sorted({_class_code(kind) for module in net.modules() for kind in type(module).__mro__}),
        "weights": [
            (name, list(value.shape), str(value.dtype), value.requires_grad) for name, value in net.named_parameters()
        ],
        "data": [str(dataset.task), dataset.outputs, _split(dataset.train)],
        "wishes": sorted((name, repr(value)) for name, value in wishes.items()),
        "machine": [device.best_device(), device.usable_cores(), sorted(device.cpu_flags()), str(torch.__version__)],
    }
    return hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()


def _settings(module: nn.Module) -> list[tuple[str, Any]]:
    """Strides, probabilities, names of functions: what a module computes with besides its weights."""
    return sorted((name, _plain(value)) for name, value in vars(module).items() if name not in _OWN)


def _plain(value: object) -> Any:
    """As JSON has it; of what is no plain value, the code or the kind: an address would be another one in each process."""
    match value:
        case None | bool() | int() | float() | str() | torch.dtype() | torch.device():
            return repr(value)
        case list() | tuple():
            return [_plain(part) for part in value]
        case dict():
            return [[repr(key), _plain(part)] for key, part in value.items()]
        case FunctionType():
            beside = (value.__defaults__, value.__kwdefaults__, getattr(value, "__wrapped__", None))
            return [_code(value.__code__), _plain(beside)]
        case _:
            return str(getattr(value, "__qualname__", type(value).__qualname__))


def _class_code(kind: type) -> str:
    """What the methods of a network's class do, and its attributes; torch's own are known by torch's version."""
    if kind.__module__.partition(".")[0] in {"torch", "builtins"}:
        return ""
    found = {name: _function(value) for name, value in vars(kind).items()}
    own = {name: _plain(value) for name, value in found.items() if isinstance(value, FunctionType) or name[:2] != "__"}
    return json.dumps([kind.__qualname__, own], sort_keys=True)


def _function(value: object) -> object:
    """What a method, static or of the class, or a property calls."""
    return getattr(value, "__func__", getattr(value, "fget", value))


def _code(code: CodeType) -> str:
    """Bytecode, names and constants: known without a source file, and the same wherever in the file it stands."""
    digest = hashlib.sha256(code.co_code + repr((code.co_names, code.co_varnames)).encode())
    for constant in _constants(code.co_consts):
        digest.update(constant.encode())
    return digest.hexdigest()


def _constants(values: Any) -> Iterator[str]:
    for value in values:
        match value:
            case CodeType():
                yield _code(value)
            case frozenset():  # its order is another one in each process
                yield repr(sorted(map(repr, value)))
            case tuple():
                yield from _constants(value)
            case _:
                yield f"{value!r};"


def _split(split: Split) -> list[Any]:
    samples, targets = split.samples, split.targets
    known = [len(split), list(samples.sample_shape), str(samples.dtype)]
    if targets is not None and not targets.is_floating_point():
        known.append(torch.bincount(targets).tolist())
    sample_bytes = max(1, samples.sample_shape.numel() * samples.dtype.itemsize)
    most = _SAMPLES if samples.in_memory else _STREAMED_SAMPLES
    with fork_rng(0):  # a user's samples may be drawn
        few = sample_evenly(split, max(1, min(most, _SAMPLE_BYTES // sample_bytes)))
    raw = few.samples.take(torch.arange(len(few)))
    return [
        *known,
        list(map(str, few.names)),
        *(_tensor(values) for values in (raw, few.targets) if values is not None),
    ]


def _tensor(values: Tensor) -> str:
    return hashlib.sha256(values.cpu().contiguous().numpy().tobytes()).hexdigest()
