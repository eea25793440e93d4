"""How good a trained program is on a split: loss, the task's usual metrics, per class, confusion matrix.

Shape legend: N samples, K classes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn

from naiad.trainer.data.dataset import Split, Task


@dataclass(frozen=True)
class ClassScore:
    """Scores of one class; ``support`` is its number of samples."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Evaluation:
    """Means are over samples, never over batches.

    metrics by task: classification ``accuracy``, ``f1_macro``, ``top5_accuracy`` (from 6 classes on);
    regression ``r2``, ``mae``, ``rmse``; clustering ``nmi``, ``ari`` when there are labels, and ``silhouette``.
    """

    task: Task
    samples: int
    loss: float
    """Cross-entropy in nats, mean squared error in the target's units squared, or reconstruction error."""
    metrics: dict[str, float]
    per_class: tuple[ClassScore, ...]
    confusion: npt.NDArray[np.int64] | None
    """(K, K): row is the true class, column the predicted one."""
    scores: npt.NDArray[np.float32]
    """(N, K) probabilities, (N,) values for regression, (N, clusters) for clustering."""

    @property
    def headline(self) -> tuple[str, float]:
        """The one metric people look at first: accuracy, r2, nmi or silhouette."""
        raise NotImplementedError

    def to_json(self) -> dict[str, Any]:
        """Everything but ``scores``."""
        raise NotImplementedError


def evaluate(
    program: nn.Module, split: Split, *, task: Task, classes: tuple[str, ...], batch_size: int = 512
) -> Evaluation:
    """``program`` takes raw samples and gives scores (see ``program.py``); its mode is put back as it was.

    Raises DataError when ``split`` has no targets and the task needs them.
    """
    raise NotImplementedError
