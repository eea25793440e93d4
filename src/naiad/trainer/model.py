"""A trained model: what ``fit`` returns and ``load`` brings back.

Knows its program, its input schema and its classes; knows nothing of training.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from naiad.trainer.data.dataset import InputSchema, Task
from naiad.trainer.data.findings import Findings
from naiad.trainer.evaluate import Evaluation
from naiad.trainer.plan import Plan


@dataclass(frozen=True)
class Predictions:
    """labels (N,): class names, values, or cluster numbers. scores: (N, K) probabilities; (N, 1) values for regression."""

    labels: npt.NDArray[Any]
    scores: npt.NDArray[np.float32]


@dataclass(frozen=True)
class EpochRecord:
    """One line of metrics.jsonl: an epoch's end."""

    epoch: int
    step: int
    train_loss: float
    learning_rate: float
    seconds: float
    validation: dict[str, float]
    """``loss`` and the task's metrics on the validation split."""


@dataclass(frozen=True)
class NetworkSource:
    """Where a network came from, so that an artifact can build it again."""

    name: str
    """A registry name (``simplenet``), or the class's name."""
    registered: bool
    arguments: dict[str, Any] = field(default_factory=dict)
    """What ``nets.create`` was called with; empty for a user's class."""
    source: str | None = None
    """The text of the user's file, when there is one."""


@dataclass
class Model:
    program: nn.Module
    """Raw samples in, scores out (see program.py): a Program, or the exported one after ``load``."""
    task: Task
    schema: InputSchema
    classes: tuple[str, ...]
    target_name: str
    plan: Plan
    network: NetworkSource
    findings: Findings = field(default_factory=Findings)
    history: tuple[EpochRecord, ...] = ()
    evaluations: dict[str, dict[str, Any]] = field(default_factory=dict)
    """``validation`` and ``test``: Evaluation.to_json() of each split there was."""
    baseline: dict[str, Any] = field(default_factory=dict)
    path: Path | None = None
    """The folder that it was saved to or loaded from."""

    def predict(self, inputs: Any, *, batch_size: int = 512) -> Predictions:
        """Raw input in (arrays, tensors, PIL images, paths, table rows). Raises DataError when it does not fit the schema."""
        raise NotImplementedError

    def evaluate(self, data: Any, *, split: str = "test", batch_size: int = 512) -> Evaluation:
        """On the ``split`` of ``data``; data without splits is taken whole. Raises DataError."""
        raise NotImplementedError

    def save(self, folder: str | Path) -> Path:
        """Writes the artifact and returns its folder. Raises FolderError, DiskFull."""
        raise NotImplementedError
