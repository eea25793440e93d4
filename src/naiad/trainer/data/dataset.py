"""The nouns of the data: samples, splits, and a dataset that is ready to train on.

Knows shapes and types; knows nothing of files, cleaning or networks.
Shape legend: N samples, C channels, H height, W width, F features.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from naiad.trainer.data.findings import Findings


class Task(StrEnum):
    CLASSIFICATION = "classification"
    REGRESSION = "regression"
    CLUSTERING = "clustering"


class Samples(Protocol):
    """The inputs of a split, one tensor a sample, all of one shape.

    ``take`` is deterministic for deterministic sources and may be called from one thread at a time.
    """

    @property
    def sample_shape(self) -> torch.Size:
        """Shape of one sample, without N."""

    @property
    def dtype(self) -> torch.dtype: ...

    @property
    def in_memory(self) -> bool:
        """True when ``take`` reads no file and calls no user code."""

    @property
    def fixed(self) -> bool:
        """False when taking one twice may give two tensors (a random transform), drawn from the global generators."""

    def __len__(self) -> int: ...

    def take(self, indices: Tensor) -> Tensor:
        """The samples at int64 ``indices`` (B,), stacked: (B, *sample_shape)."""


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
    def fixed(self) -> bool:
        return True

    def __len__(self) -> int:
        return len(self.tensor)

    def take(self, indices: Tensor) -> Tensor:
        return self.tensor.index_select(0, indices)


@dataclass(frozen=True)
class Split:
    """Cleaned samples with their targets.

    targets: int64 (N,) class indices; float32 (N,) for regression, in the user's units; None when there are none.
    names: where each sample came from: a path, ``row 12``, ``index 12``.
    """

    samples: Samples
    targets: Tensor | None
    names: Sequence[str]

    def __len__(self) -> int:
        return len(self.samples)


def spread(split: Split, count: int) -> Split:
    """At most ``count`` samples from all over the split, in memory."""
    if not len(split):
        return split
    indices = torch.linspace(0, len(split) - 1, min(count, len(split)), dtype=torch.float64).round().long()
    targets = None if split.targets is None else split.targets.index_select(0, indices)
    return Split(TensorSamples(split.samples.take(indices)), targets, [split.names[int(index)] for index in indices])


class InputSchema(Protocol):
    """How what a user hands to ``predict`` becomes the program's input. Goes into naiad.json and comes back."""

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """Shape of one sample as the program takes it, without N."""

    @property
    def dtype(self) -> torch.dtype:
        """torch.uint8 for images, torch.float32 for the rest."""

    def encode(self, raw: Any) -> Tensor:
        """(N, *sample_shape). Raises DataError when ``raw`` cannot be read or does not fit."""

    def to_json(self) -> dict[str, Any]:
        """Has a key ``kind``: image, array or table."""


@dataclass(frozen=True)
class Dataset:
    """Data that is ready to train on."""

    name: str
    task: Task
    task_reason: str
    """One phrase for people: why this is the task."""
    schema: InputSchema
    features: nn.Module
    """Raw batch in (N, *schema.sample_shape), float32 network input out; statistics from the training split only."""
    classes: tuple[str, ...]
    """Class names in the order of the indices; empty where there are none."""
    target_name: str
    train: Split
    validation: Split
    test: Split | None
    findings: Findings

    @property
    def outputs(self) -> int:
        """How many numbers the network gives for a sample: the classes, or 1."""
        return len(self.classes) if self.task is Task.CLASSIFICATION else 1
