"""What this machine offers to a run: versions, cores, memory, number formats, data sets, optional packages.

Looks, and changes nothing. Knows nothing of how it is shown.
"""

import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil
import torch

from naiad.trainer.data.sources.cifar import is_cifar
from naiad.trainer.data.sources.idx import is_idx
from naiad.trainer.data.sources.named import DEBIAN_FOLDER, cache_folder
from naiad.trainer.machine import device

_OPTIONAL = {
    "onnxruntime": "runs model.onnx",
    "openvino": "runs model.onnx on Intel processors",
    "pandas": "data frames as data",
}
_NUMBER_FORMATS = ("amx_bf16", "amx_tile", "avx512_bf16", "avx512f", "avx2")
_LITTLE_DISK_BYTES = 2 * 2**30


class State(StrEnum):
    OK = "ok"  # there, and used
    ABSENT = "absent"  # not there; runs do without it
    LOW = "low"  # there, but a run may want more


@dataclass(frozen=True)
class Line:
    """One thing that was looked at."""

    topic: str
    state: State
    found: str
    hint: str | None = None
    """The command that gets what is missing."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def examine(folder: Path) -> tuple[Line, ...]:
    """``folder`` is where runs would be written."""
    return (*_versions(), *_processor(), *_accelerators(), *_room(folder), *_data_sets(), *_optional_packages())


def _versions() -> Iterator[Line]:
    yield Line("python", State.OK, f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    for package in ("naiad", "torch", "torchvision"):
        yield Line(package, State.OK, metadata.version(package))


def _processor() -> Iterator[Line]:
    there, usable = os.cpu_count() or 1, device.usable_cores()
    yield Line("cores", State.OK, f"{usable} usable of {there}")
    formats = [name for name in _NUMBER_FORMATS if name in device.cpu_flags()]
    has_bf16 = device.has_bf16("cpu")
    yield Line("number formats", State.OK, ", ".join(formats) or "none known")
    yield Line("bf16", State.OK if has_bf16 else State.ABSENT, "in the processor" if has_bf16 else "runs use fp32")


def _accelerators() -> Iterator[Line]:
    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        names.append("Apple GPU (mps)")
    yield Line(
        "gpu", State.OK if names else State.ABSENT, ", ".join(names) or "none that torch sees; runs use the processor"
    )


def _room(folder: Path) -> Iterator[Line]:
    memory = f"{_gib(device.free_memory_bytes())} free to this process, of {_gib(psutil.virtual_memory().total)}"
    yield Line("memory", State.OK, memory)
    free = shutil.disk_usage(folder).free
    low = free < _LITTLE_DISK_BYTES
    yield Line(
        "disk", State.LOW if low else State.OK, f"{_gib(free)} free in {folder}", "free some space" if low else None
    )


def _data_sets() -> Iterator[Line]:
    cache = cache_folder()
    known = {
        "fashion-mnist": ([cache / "fashion-mnist", cache / "FashionMNIST", DEBIAN_FOLDER / "fashion-mnist"], is_idx),
        "mnist": ([cache / "mnist", cache / "MNIST"], is_idx),
        "cifar10": ([cache / "cifar-10-batches-py"], is_cifar),
        "cifar100": ([cache / "cifar-100-python"], is_cifar),
    }
    for name, (places, recognises) in known.items():
        found = next((place for place in places if place.is_dir() and recognises(place)), None)
        if found is not None:
            yield Line(f"data: {name}", State.OK, str(found))
        else:
            hint = (
                "apt-get install dataset-fashion-mnist"
                if name == "fashion-mnist" and DEBIAN_FOLDER.parent.is_dir()
                else None
            )
            yield Line(f"data: {name}", State.ABSENT, "downloaded when first used", hint)


def _optional_packages() -> Iterator[Line]:
    for package, use in _OPTIONAL.items():
        try:
            yield Line(package, State.OK, metadata.version(package))
        except metadata.PackageNotFoundError:
            yield Line(package, State.ABSENT, use, f"pip install {package}")


def _gib(size_bytes: int) -> str:
    return f"{size_bytes / 2**30:.1f} GiB"
