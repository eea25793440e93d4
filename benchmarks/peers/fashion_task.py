"""What every peer of fashion_peers.py is asked, and how it answers: one JSON argument in, one JSON line out.

Needs numpy, and neither torch nor Naiad. The clock runs from the call to the end of training, reading the files included,
importing not. Accuracy is of the test images, or of 5,000 held-out training images where ``validate`` says so; outside the clock.
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
    """torchvision's: the four IDX files lie in FashionMNIST/raw, unpacked."""
    epochs: int = 10
    batch_size: int = 32
    learning_rate: float = 0.01
    seed: int = 0
    samples: int | None = None
    """Train on so many only."""
    validate: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    """What else a peer can be told: see each peer's docstring."""
    clock: dict[str, float] = field(default_factory=dict)

    def training(self) -> tuple[np.ndarray, np.ndarray]:
        """uint8 (N, 28, 28), int64 (N,): read from the files."""
        images, labels = self._read("train")
        chosen = self.chosen()
        return (images, labels) if chosen is None else (images[chosen], labels[chosen])

    def chosen(self) -> np.ndarray | None:
        """Which of the 60,000 to train on; None is all."""
        if not self.validate and self.samples is None:
            return None
        order = _order()[HELD_OUT:] if self.validate else _order()
        return order[: self.samples]

    def judging(self) -> tuple[np.ndarray, np.ndarray]:
        if not self.validate:
            return self._read("t10k")
        images, labels = self._read("train")
        held = _order()[:HELD_OUT]
        return images[held], labels[held]

    def data_is_ready(self) -> None:
        """What comes before is reading, what comes after is training."""
        self.clock["ready"] = time.perf_counter()

    def _read(self, part: str) -> tuple[np.ndarray, np.ndarray]:
        raw = self.root / "FashionMNIST" / "raw"
        images = np.fromfile(raw / f"{part}-images-idx3-ubyte", np.uint8)[16:].reshape(-1, 28, 28)
        labels = np.fromfile(raw / f"{part}-labels-idx1-ubyte", np.uint8)[8:].astype(np.int64)
        return images, labels


def _order() -> np.ndarray:
    return np.random.default_rng(1).permutation(60_000)


Predict = Callable[[np.ndarray], np.ndarray]
"""uint8 (N, 28, 28) in, classes (N,) out."""


def answer(train: Callable[[Task], Predict]) -> None:
    """Trains as the command line says and prints seconds, train_seconds and accuracy."""
    given = json.loads(sys.argv[1])
    task = Task(**{**given, "root": Path(given["root"])})
    begun = time.perf_counter()
    predict = train(task)
    ended = time.perf_counter()
    images, labels = task.judging()
    accuracy = float((predict(images) == labels).mean())
    say(seconds=ended - begun, train_seconds=ended - task.clock.get("ready", begun), accuracy=accuracy)


def say(**values: Any) -> None:
    print(json.dumps(values), flush=True)
