"""Speed of this machine: products of matrices and convolutions by number format and threads, memory, disk.

Each figure is the median of as many repetitions as fit into a fraction of a second, so that all of them take ten seconds.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F

from naiad.trainer.machine import device as hardware

FORMATS = {"fp32": torch.float32, "bf16": torch.bfloat16}
_SECONDS_EACH = 0.6
_LEAST_REPETITIONS = 3
_MATRIX_SIDE = {"cpu": 512}
_MATRIX_SIDE_GPU = 4_096
_BATCH, _CHANNELS, _IMAGE_SIDE, _KERNEL = 32, 64, 28, 3
"""A convolution of usual size."""
_COPIED_BYTES = 128 * 2**20
"""More than the caches hold."""
_FILE_BYTES = 64 * 2**20

Clock = Callable[[], float]


@dataclass(frozen=True)
class Rate:
    what: str
    value: float
    unit: str
    number_format: str | None = None
    threads: int | None = None
    """None where threads have no part in it."""


def measure_rates(folder: Path, *, clock: Clock = time.perf_counter) -> Iterator[Rate]:
    """Yields each rate when it is measured; ``folder`` is on the disk whose speed is meant."""
    device, cores = hardware.best_device(), hardware.usable_cores()
    before = torch.get_num_threads()
    try:
        for threads in dict.fromkeys((1, cores)) if device == "cpu" else (None,):
            torch.set_num_threads(threads or before)
            for number_format in FORMATS:
                for what, measure in (("matrix product", _matrix_product), ("convolution", _convolution)):
                    yield Rate(what, measure(device, number_format, clock), "GFLOP/s", number_format, threads)
            if device == "cpu":
                yield Rate("memory copy", _memory_copy(clock), "GB/s", threads=threads)
    finally:
        torch.set_num_threads(before)
    write, read = _disk(folder, clock)
    yield Rate("disk write", write, "MB/s")
    yield Rate("disk read", read, "MB/s")


def _matrix_product(device: str, number_format: str, clock: Clock) -> float:
    side = _MATRIX_SIDE.get(device, _MATRIX_SIDE_GPU)
    left, right = (torch.randn(side, side, device=device, dtype=FORMATS[number_format]) for _ in range(2))
    return 2 * side**3 / _median_seconds(lambda: left @ right, device, clock) / 1e9


def _convolution(device: str, number_format: str, clock: Clock) -> float:
    dtype = FORMATS[number_format]
    images = torch.randn(_BATCH, _CHANNELS, _IMAGE_SIDE, _IMAGE_SIDE, device=device, dtype=dtype)
    kernels = torch.randn(_CHANNELS, _CHANNELS, _KERNEL, _KERNEL, device=device, dtype=dtype)
    images, kernels = (one.contiguous(memory_format=torch.channels_last) for one in (images, kernels))
    operations = 2 * images.numel() * _CHANNELS * _KERNEL**2
    with torch.no_grad():
        return operations / _median_seconds(lambda: F.conv2d(images, kernels, padding=1), device, clock) / 1e9


def _memory_copy(clock: Clock) -> float:
    """Bytes read and bytes written count, as in the STREAM benchmark."""
    source = torch.ones(_COPIED_BYTES // 4)
    target = torch.empty_like(source)
    return 2 * _COPIED_BYTES / _median_seconds(lambda: target.copy_(source), "cpu", clock) / 1e9


def _disk(folder: Path, clock: Clock) -> tuple[float, float]:
    """MB a second of a file that is written through to the disk, and of reading it where the system forgets it on request."""
    content = os.urandom(_FILE_BYTES)
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        started = clock()
        file.write(content)
        os.fsync(file.fileno())
        written = clock()
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        file.seek(0)
        reading = clock()
        file.readall()
        read = clock()
    return _FILE_BYTES / (written - started) / 1e6, _FILE_BYTES / (read - reading) / 1e6


def _median_seconds(work: Callable[[], object], device: str, clock: Clock) -> float:
    _run(work, device)
    times: list[float] = []
    ends_at = clock() + _SECONDS_EACH
    while len(times) < _LEAST_REPETITIONS or clock() < ends_at:
        started = clock()
        _run(work, device)
        times.append(clock() - started)
    return statistics.median(times)


def _run(work: Callable[[], object], device: str) -> None:
    """Runs to the end: an accelerator only begins what it is told."""
    work()
    if device == "cuda":
        torch.cuda.synchronize()
    elif device == "mps":
        torch.mps.synchronize()
