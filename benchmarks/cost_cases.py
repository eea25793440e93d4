"""One run of cost_growth.py: its data, its network, and the time and memory that it takes."""

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import naiad
from naiad.trainer.data.sources.open import open_source
from naiad.trainer.loop.progress import SilentProgress
from naiad.trainer.nets.guide import SimpleNet

SAMPLE_EVERY_S = 0.1
FEATURES, STREAMED_SIDE = 16, 32
Curve = list[tuple[float, float]]
"""Resident memory over time: (seconds since the call, MB)."""


@dataclass(frozen=True)
class Cost:
    series: str
    size: int
    samples: int
    seconds: float
    epoch_s: float
    imports_mb: float
    before_mb: float
    """Memory before the call, with data that is in memory."""
    peak_mb: float

    @property
    def used_mb(self) -> float:
        """Memory of the data and the run."""
        return self.peak_mb - self.imports_mb


class OnDemandImages(torch.utils.data.Dataset[tuple[Tensor, int]]):
    """Images of their class with new noise each time, so that they are not cached but streamed."""

    def __init__(self, count: int) -> None:
        self.targets = np.random.default_rng(1).integers(0, 10, count)
        self.pictures = torch.randn(10, 1, STREAMED_SIDE, STREAMED_SIDE)

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        target = int(self.targets[index])
        return self.pictures[target] * torch.rand(1), target


def make_numbers(count: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    inputs = random.standard_normal((count, FEATURES), dtype=np.float32)
    targets = (inputs[:, 0] > 0) * 2 + (inputs[:, 1] > inputs[:, 2])
    return inputs, targets.astype(np.int64)


def load_fashion(count: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Returns ``count`` training samples, and always the same number for validation."""
    splits = open_source("fashion-mnist", label=None).splits
    return {
        name: (np.asarray(split.inputs).reshape(-1, 28, 28)[:size], np.asarray(split.targets)[:size])
        for name, split, size in (("train", splits["train"], count), ("validation", splits["test"], 1_000))
    }


def make_mlp(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(inputs, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, outputs)
    )


def make_pooled_cnn() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10),
    )  # fmt: skip


@dataclass(frozen=True)
class Case:
    """The arguments of ``naiad.fit``."""

    net: nn.Module
    data: Any
    plan: dict[str, Any]
    options: dict[str, Any] = field(default_factory=dict)


def make_case(series: str, size: int, samples: int) -> Case:
    match series:
        case "images":
            return Case(SimpleNet(), load_fashion(size), {"batch_size": 128, "optimizer": "sgd"})
        case "numbers":
            return Case(make_mlp(FEATURES, 4), make_numbers(size), {"batch_size": 1_024})
        case "streamed":
            return Case(make_mlp(STREAMED_SIDE**2, 10), OnDemandImages(size), {"batch_size": 256})
        case "side":
            data = load_fashion(samples)
            inputs, targets = data["validation"]
            data["validation"] = inputs[:100], targets[:100]
            return Case(make_pooled_cnn(), data, {"batch_size": 64, "optimizer": "sgd"}, {"image_size": size})
        case "batch":
            return Case(SimpleNet(), load_fashion(samples), {"batch_size": size, "optimizer": "sgd"})
    raise ValueError(series)


def measure(series: str, size: int, samples: int) -> tuple[Cost, Curve]:
    """Returns the cost, and the memory over time."""
    torch.manual_seed(0)
    imports_mb = _memory_mb("VmRSS")
    case = make_case(series, size, samples)
    plan = {"measure_fraction": 0.0, "clip_norm": None, **case.plan}
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # resets the peak
    before_mb = _memory_mb("VmRSS")
    curve: Curve = []
    is_over = threading.Event()
    started = time.perf_counter()
    sampler = threading.Thread(target=_sample_memory, args=(curve, is_over, started), daemon=True)
    sampler.start()
    model = naiad.fit(
        case.net, case.data, epochs=1, plan=plan, seed=0, report=False, progress=SilentProgress(), **case.options
    )
    seconds = time.perf_counter() - started
    is_over.set()
    sampler.join()
    epoch_s = sum(record.seconds for record in model.history)
    sample_count = size if series in {"images", "numbers", "streamed"} else samples
    return Cost(series, size, sample_count, seconds, epoch_s, imports_mb, before_mb, _memory_mb("VmHWM")), curve


def _sample_memory(curve: Curve, is_over: threading.Event, started: float) -> None:
    while not is_over.wait(SAMPLE_EVERY_S):
        curve.append((time.perf_counter() - started, _memory_mb("VmRSS")))


def _memory_mb(name: str) -> float:
    text = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(text.partition(f"{name}:")[2].split()[0]) / 1024
