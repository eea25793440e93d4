"""Samples, splits, and a dataset that is ready to train on.

Knows shapes and types; knows nothing of files, cleaning or networks.
Shape legend: N samples, C channels, H height, W width, F features.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from naiad.trainer.data.findings import Findings
from naiad.trainer.data.float32 import is_lossy


class Task(StrEnum):
    CLASSIFICATION = "classification"
    REGRESSION = "regression"
    CLUSTERING = "clustering"


class Samples(Protocol):
    """Inputs of a split: one tensor a sample, all of one shape. Used by one thread at a time."""

    @property
    def sample_shape(self) -> torch.Size:
        """Shape of one sample, without N."""

    @property
    def dtype(self) -> torch.dtype: ...

    @property
    def in_memory(self) -> bool:
        """Whether ``take`` neither reads a file nor calls user code."""

    @property
    def is_deterministic(self) -> bool:
        """False where ``take`` may give two tensors for one sample, as a random transform does from the global generators."""

    def __len__(self) -> int: ...

    def take(self, indices: Tensor) -> Tensor:
        """Returns the samples at int64 ``indices`` (B,) as one tensor (B, *sample_shape)."""

    def select(self, indices: npt.NDArray[np.int64]) -> "Samples":
        """Returns the samples at ``indices`` in their order."""


@dataclass(frozen=True)
class TensorSamples:
    """Samples held in memory as one tensor (N, *sample_shape): uint8 images or float32 features."""

    tensor: Tensor

    @property
    def sample_shape(self) -> torch.Size:
        return self.tensor.shape[1:]

    @property
    def dtype(self) -> torch.dtype:
        return self.tensor.dtype

    @property
    def in_memory(self) -> bool:
        return True

    @property
    def is_deterministic(self) -> bool:
        return True

    def __len__(self) -> int:
        return len(self.tensor)

    def take(self, indices: Tensor) -> Tensor:
        return self.tensor.index_select(0, indices)

    def select(self, indices: npt.NDArray[np.int64]) -> "TensorSamples":
        return TensorSamples(self.take(torch.from_numpy(indices)))


@dataclass(frozen=True)
class Split:
    """Cleaned samples with their targets."""

    samples: Samples
    targets: Tensor | None
    """int64 (N,) class indices, or float32 (N,) values in the user's units; None where there are none."""
    names: Sequence[str]
    """Origin of each sample: a path, ``row 12``, ``index 12``."""
    weights: Tensor | None = None
    """float32 (N,) weights in the loss and the metrics; None where all samples count alike."""

    def __len__(self) -> int:
        return len(self.samples)


def sample_evenly(split: Split, count: int) -> Split:
    """Returns at most ``count`` samples at even distances over the split, in memory."""
    if not len(split):
        return split
    indices = torch.linspace(0, len(split) - 1, min(count, len(split)), dtype=torch.float64).round().long()
    targets = None if split.targets is None else split.targets.index_select(0, indices)
    weights = None if split.weights is None else split.weights.index_select(0, indices)
    names = [split.names[int(index)] for index in indices]
    return Split(TensorSamples(split.samples.take(indices)), targets, names, weights)


def narrow_unless_lossy(targets: Tensor) -> Tensor:
    """Returns values (N,) as float32, or as they are where float32 loses their differences; class indices as they are."""
    if targets.dtype is not torch.float64 or is_lossy(targets.numpy()):
        return targets
    return targets.float()


def target_mean_and_std(targets: Tensor, weights: Tensor | None) -> tuple[float, float]:
    """Returns statistics of values (N,), each as heavy as its sample's weight. The deviation is 1 where all are equal."""
    if weights is None:
        mean, std = float(targets.mean()), float(targets.std(correction=0))
    else:
        values, factors = targets.double(), weights.double() / weights.double().sum()
        mean = float((factors * values).sum())
        std = float((factors * (values - mean).square()).sum().sqrt())
    return mean, std if std > 0 else 1.0


class InputSchema(Protocol):
    """Encoding of a user's inputs as the exported program's input. It is stored in naiad.json."""

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """Shape of one encoded sample, without N."""

    @property
    def dtype(self) -> torch.dtype:
        """torch.uint8 for images, torch.float32 for all else."""

    def encode(self, raw: Any) -> Tensor:
        """Returns (N, *sample_shape). Raises DataError where ``raw`` cannot be read or does not fit."""

    def to_json(self) -> dict[str, Any]:
        """Returns a mapping whose key ``kind`` is image, array or table."""


@dataclass(frozen=True)
class Dataset:
    """Data that is ready to train on."""

    name: str
    task: Task
    task_reason: str
    """One phrase for people: why this is the task."""
    schema: InputSchema
    features: nn.Module
    """Encoded batch (N, *schema.sample_shape) in, float32 network input out; statistics from the training split only."""
    classes: tuple[str, ...]
    """Class names in the order of the indices; empty where there are none."""
    target_name: str
    train: Split
    validation: Split
    test: Split | None
    findings: Findings

    @property
    def outputs(self) -> int:
        """Number of values that the network gives for a sample: one a class, or 1."""
        return len(self.classes) if self.task is Task.CLASSIFICATION else 1
