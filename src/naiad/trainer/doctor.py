"""Checks what this machine offers to a run: versions, cores, memory, number formats, data sets, optional packages.

Changes nothing, and knows nothing of how the checks are printed.
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

_OPTIONAL_PACKAGES = {
    "onnxruntime": "runs model.onnx",
    "openvino": "runs model.onnx on Intel processors",
    "pandas": "data frames as data",
}
_NUMBER_FORMATS = ("amx_bf16", "amx_tile", "avx512_bf16", "avx512f", "avx2")
_LOW_DISK_BYTES = 2 * 2**30


class CheckState(StrEnum):
    OK = "ok"  # present and used
    ABSENT = "absent"  # not present; runs work without it
    LOW = "low"  # present, but a run may need more


@dataclass(frozen=True)
class Check:
    """One thing that was looked for."""

    topic: str
    state: CheckState
    found: str
    hint: str | None = None
    """The command that gets what is missing."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def run_checks(folder: Path) -> tuple[Check, ...]:
    """Returns every check; ``folder`` is where runs would be written."""
    return (*_versions(), *_processor(), *_accelerators(), *_memory_and_disk(folder), *_data_sets(), *_packages())


def _versions() -> Iterator[Check]:
    yield Check("python", CheckState.OK, f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    for package in ("naiad", "torch", "torchvision"):
        yield Check(package, CheckState.OK, metadata.version(package))


def _processor() -> Iterator[Check]:
    yield Check("cores", CheckState.OK, f"{device.usable_cores()} usable of {os.cpu_count() or 1}")
    formats = [name for name in _NUMBER_FORMATS if name in device.cpu_flags()]
    yield Check("number formats", CheckState.OK, ", ".join(formats) or "none known")
    if device.has_bf16("cpu"):
        yield Check("bf16", CheckState.OK, "in the processor")
    else:
        yield Check("bf16", CheckState.ABSENT, "runs use fp32")


def _accelerators() -> Iterator[Check]:
    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        names.append("Apple GPU (mps)")
    if names:
        yield Check("gpu", CheckState.OK, ", ".join(names))
    else:
        yield Check("gpu", CheckState.ABSENT, "none that torch sees; runs use the processor")


def _memory_and_disk(folder: Path) -> Iterator[Check]:
    total = _format_gib(psutil.virtual_memory().total)
    yield Check("memory", CheckState.OK, f"{_format_gib(device.free_memory_bytes())} free to this process, of {total}")
    free_bytes = shutil.disk_usage(folder).free
    text = f"{_format_gib(free_bytes)} free in {folder}"
    if free_bytes < _LOW_DISK_BYTES:
        yield Check("disk", CheckState.LOW, text, "free some space")
    else:
        yield Check("disk", CheckState.OK, text)


def _data_sets() -> Iterator[Check]:
    cache = cache_folder()
    known = {
        "fashion-mnist": ([cache / "fashion-mnist", cache / "FashionMNIST", DEBIAN_FOLDER / "fashion-mnist"], is_idx),
        "mnist": ([cache / "mnist", cache / "MNIST"], is_idx),
        "cifar10": ([cache / "cifar-10-batches-py"], is_cifar),
        "cifar100": ([cache / "cifar-100-python"], is_cifar),
    }
    for name, (folders, is_data_set) in known.items():
        folder = next((folder for folder in folders if folder.is_dir() and is_data_set(folder)), None)
        if folder is not None:
            yield Check(f"data: {name}", CheckState.OK, str(folder))
            continue
        is_packaged = name == "fashion-mnist" and DEBIAN_FOLDER.parent.is_dir()
        hint = "apt-get install dataset-fashion-mnist" if is_packaged else None
        yield Check(f"data: {name}", CheckState.ABSENT, "downloaded when first used", hint)


def _packages() -> Iterator[Check]:
    for package, use in _OPTIONAL_PACKAGES.items():
        try:
            yield Check(package, CheckState.OK, metadata.version(package))
        except metadata.PackageNotFoundError:
            yield Check(package, CheckState.ABSENT, use, f"pip install {package}")


def _format_gib(size_bytes: int) -> str:
    return f"{size_bytes / 2**30:.1f} GiB"
