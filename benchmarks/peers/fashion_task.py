"""The task of each peer of fashion_peers.py and its answer: one JSON argument in, one JSON line out.

Needs numpy, and neither torch nor Naiad. The clock runs from the call to the end of training; it includes reading the files and
excludes imports and evaluation. Accuracy is that on the test images, or with ``validate`` on 5,000 held-out training images.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

HELD_OUT = 5_000


@dataclass(frozen=True)
class Task:
    root: Path
    """torchvision's root: the four unpacked IDX files are in FashionMNIST/raw."""
    epochs: int = 10
    batch_size: int = 32
    learning_rate: float = 0.01
    seed: int = 0
    samples: int | None = None
    """The number of training images; None is all."""
    validate: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    """Further settings, see each peer's docstring."""
    clock: dict[str, float] = field(default_factory=dict)

    def training_data(self) -> tuple[np.ndarray, np.ndarray]:
        """Reads images, uint8 (N, 28, 28), and labels, int64 (N,), from the files."""
        images, labels = self._read("train")
        indices = self.training_indices()
        return (images, labels) if indices is None else (images[indices], labels[indices])

    def training_indices(self) -> np.ndarray | None:
        """Returns the indices of the images to train on; None for all 60,000."""
        if not self.validate and self.samples is None:
            return None
        order = _order()[HELD_OUT:] if self.validate else _order()
        return order[: self.samples]

    def evaluation_data(self) -> tuple[np.ndarray, np.ndarray]:
        if not self.validate:
            return self._read("t10k")
        images, labels = self._read("train")
        held_out = _order()[:HELD_OUT]
        return images[held_out], labels[held_out]

    def mark_data_ready(self) -> None:
        """Marks the end of reading and the start of training."""
        self.clock["ready"] = time.perf_counter()

    def _read(self, split: str) -> tuple[np.ndarray, np.ndarray]:
        raw = self.root / "FashionMNIST" / "raw"
        images = np.fromfile(raw / f"{split}-images-idx3-ubyte", np.uint8)[16:].reshape(-1, 28, 28)
        labels = np.fromfile(raw / f"{split}-labels-idx1-ubyte", np.uint8)[8:].astype(np.int64)
        return images, labels


def _order() -> np.ndarray:
    return np.random.default_rng(1).permutation(60_000)


Predict = Callable[[np.ndarray], np.ndarray]
"""Predicts classes (N,) of images, uint8 (N, 28, 28)."""


def run_task(train: Callable[[Task], Predict]) -> None:
    """Trains on the task of the command line; prints seconds, train_seconds and accuracy."""
    values = json.loads(sys.argv[1])
    task = Task(**{**values, "root": Path(values["root"])})
    started = time.perf_counter()
    predict = train(task)
    ended = time.perf_counter()
    images, labels = task.evaluation_data()
    accuracy = float((predict(images) == labels).mean())
    print_json(seconds=ended - started, train_seconds=ended - task.clock.get("ready", started), accuracy=accuracy)


def print_json(**values: Any) -> None:
    print(json.dumps(values), flush=True)
