"""AWS's instance types: the cores, memory and GPUs of each. Knows nothing of this machine.

Families that differ only in their processor share one rule (cores by size, memory by core); types with GPUs are listed.
Types with AWS's own accelerators (Trainium, Inferentia) are refused.
"""

import difflib
from dataclasses import dataclass

from naiad.service.domain.errors import Invalid, LimitExceeded

GIB = 1024**3

LOCAL_TYPES = frozenset({"local", "local_gpu"})
"""Type names that AWS does not have: the whole machine."""


@dataclass(frozen=True)
class InstanceType:
    """The size of one instance, as AWS documents the type. A whole-machine type gets the size of the machine."""

    name: str
    cores: int
    memory_bytes: int
    gpus: int = 0
    is_whole_machine: bool = False
    """Whether the type is ``local`` or ``local_gpu``: everything that this machine has."""


_CORES_OF_SIZE = {"medium": 2, "large": 2, "xlarge": 4}
_GIB_PER_CORE = {"c": 2, "m": 4, "r": 8}
_ACCELERATORS = ("trn", "inf")

_BURSTABLE = {
    f"ml.{family}.{size}": cores_and_memory_gib
    for family in ("t2", "t3")
    for size, cores_and_memory_gib in {"medium": (2, 4), "large": (2, 8), "xlarge": (4, 16), "2xlarge": (8, 32)}.items()
}

_GPU = {  # family: {size: (cores, memory in GiB, GPUs)}
    "p2": {"xlarge": (4, 61, 1), "8xlarge": (32, 488, 8), "16xlarge": (64, 732, 16)},
    "p3": {"2xlarge": (8, 61, 1), "8xlarge": (32, 244, 4), "16xlarge": (64, 488, 8)},
    "p3dn": {"24xlarge": (96, 768, 8)},
    "p4d": {"24xlarge": (96, 1152, 8)},
    "p4de": {"24xlarge": (96, 1152, 8)},
    "p5": {"4xlarge": (16, 256, 1), "48xlarge": (192, 2048, 8)},
    "p5e": {"48xlarge": (192, 2048, 8)},
    "p5en": {"48xlarge": (192, 2048, 8)},
    "p6-b200": {"48xlarge": (192, 2048, 8)},
    "p6-b300": {"48xlarge": (192, 4096, 8)},
    "g4dn": {
        "xlarge": (4, 16, 1),
        "2xlarge": (8, 32, 1),
        "4xlarge": (16, 64, 1),
        "8xlarge": (32, 128, 1),
        "12xlarge": (48, 192, 4),
        "16xlarge": (64, 256, 1),
    },
    **{
        family: {
            f"{times}xlarge" if times > 1 else "xlarge": (4 * times, 4 * times * gib_per_core, gpus)
            for times, gpus in ((1, 1), (2, 1), (4, 1), (8, 1), (12, 4), (16, 1), (24, 4), (48, 8))
        }
        for family, gib_per_core in (("g5", 4), ("g6", 4), ("g6e", 8))
    },
}


def instance_type(name: str) -> InstanceType:
    """Raises Invalid for an unknown name, LimitExceeded for a type with AWS's own accelerators."""
    if name in LOCAL_TYPES:
        return InstanceType(name, 1, GIB, gpus=int(name == "local_gpu"), is_whole_machine=True)
    family, size = _split(name)
    if name in _BURSTABLE:
        cores, memory_gib = _BURSTABLE[name]
        return InstanceType(name, cores, memory_gib * GIB)
    if family in _GPU:
        return _gpu_type(name, family, size)
    if family.startswith(_ACCELERATORS):
        raise LimitExceeded(
            f"{name} has AWS's own accelerators, which this machine does not have; use a CPU or GPU type"
        )
    if family[:1] not in _GIB_PER_CORE or not family[1:2].isdigit():
        raise Invalid(f"{name} is not a known instance type; try {_nearest(name)}")
    cores = _cores_of_size(name, size)
    return InstanceType(name, cores, cores * _GIB_PER_CORE[family[0]] * GIB)


def _split(name: str) -> tuple[str, str]:
    match name.split("."):
        case ["ml", family, size]:
            return family, size
        case _:
            raise Invalid(f"{name} is not a known instance type; try {_nearest(name)}")


def _gpu_type(name: str, family: str, size: str) -> InstanceType:
    if size not in _GPU[family]:
        raise Invalid(f"{name} is not a known instance type; try {_nearest(name)}")
    cores, memory_gib, gpus = _GPU[family][size]
    return InstanceType(name, cores, memory_gib * GIB, gpus)


def _cores_of_size(name: str, size: str) -> int:
    if size in _CORES_OF_SIZE:
        return _CORES_OF_SIZE[size]
    times = size.removesuffix("xlarge")
    if times == size or not times.isascii() or not times.isdigit() or not 1 < int(times) <= 96:
        raise Invalid(f"{name} is not a known instance type; try {_nearest(name)}")
    return 4 * int(times)


def _nearest(name: str) -> str:
    known = ["local", *_BURSTABLE, *(f"ml.{family}.{size}" for family, sizes in _GPU.items() for size in sizes)]
    known += [
        f"ml.{family}.{size}" for family in ("m5", "c5", "r5") for size in ("large", "xlarge", "2xlarge", "4xlarge")
    ]
    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.4)), "ml.m5.large")
