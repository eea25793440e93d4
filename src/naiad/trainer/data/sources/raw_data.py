"""What a source hands over: inputs in one of a few forms, targets as found, and a name for every sample.

Knows no cleaning: files may be broken, labels missing, copies shared between splits.
Shape legend: N samples, C channels, H height, W width, F features.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from PIL import Image
from torch import Tensor

from naiad.errors import DataError
from naiad.trainer.data.findings import Findings

SPLITS = ("train", "validation", "test")


class Kind(StrEnum):
    """The form of the inputs, and with it the way through cleaning and features."""

    IMAGES = "images"  # a uint8 tensor (N, C, H, W)
    PICTURES = "pictures"  # images still to be decoded, of any size and mode
    ARRAYS = "arrays"  # a float32 tensor (N, F) or (N, C, H, W)
    ITEMS = "items"  # tensors that come one at a time, because they are random or too many to hold
    TABLE = "table"  # a pyarrow table that has the label as one of its columns


class Pictures(Protocol):
    """Images that are opened one by one."""

    @property
    def parallel(self) -> bool:
        """Whether several threads may open images at once."""

    @property
    def fixed(self) -> bool:
        """False when opening one twice may give two images (a random transform): then they cannot be held."""

    def __len__(self) -> int: ...

    def open(self, index: int) -> Image.Image:
        """Raises what Pillow raises when the image cannot be read."""

    def select(self, indices: npt.NDArray[np.int64]) -> "Pictures": ...


class Items(Protocol):
    """Tensors that come one at a time."""

    @property
    def sample_shape(self) -> torch.Size: ...

    @property
    def dtype(self) -> torch.dtype:
        """torch.uint8 for images, torch.float32 for the rest."""

    @property
    def fixed(self) -> bool:
        """False when reading one twice may give two tensors."""

    def __len__(self) -> int: ...

    def take(self, indices: Tensor) -> Tensor:
        """(B, *sample_shape)."""

    def select(self, indices: npt.NDArray[np.int64]) -> "Items": ...


@dataclass(frozen=True)
class FilePictures:
    """Image files on disk."""

    paths: Sequence[Path]
    parallel: bool = True
    fixed: bool = True

    def __len__(self) -> int:
        return len(self.paths)

    def open(self, index: int) -> Image.Image:
        return Image.open(self.paths[index])

    def select(self, indices: npt.NDArray[np.int64]) -> "FilePictures":
        return replace(self, paths=[self.paths[index] for index in indices])


@dataclass(frozen=True)
class RawSplit:
    """inputs: as ``Kind`` says. targets: (N,) as found, or None; a table's targets are in the table. names: one a sample."""

    inputs: Any
    targets: npt.NDArray[Any] | None
    names: Sequence[str]

    def __len__(self) -> int:
        return self.inputs.num_rows if isinstance(self.inputs, pa.Table) else len(self.inputs)

    def select(self, indices: npt.NDArray[np.int64]) -> "RawSplit":
        targets = None if self.targets is None else self.targets[indices]
        return RawSplit(select(self.inputs, indices), targets, [self.names[index] for index in indices])


@dataclass(frozen=True)
class RawData:
    """``splits`` has at least ``train``: data without splits is all ``train``."""

    name: str
    kind: Kind
    splits: Mapping[str, RawSplit]
    classes: tuple[str, ...] = ()
    """Names of the integer targets 0, 1, …, where the source knows them."""
    target_name: str = "label"
    label: str | None = None
    """A table's label column; None where it has none."""
    labels_must_be_whole: bool = False
    """True where a missing label is a mistake of the caller's (arrays), not a gap in the data (files, tables)."""
    findings: Findings = field(default_factory=Findings)

    def only(self, split: str) -> RawSplit:
        """``split``; data without splits is taken whole. Raises DataError."""
        if split in self.splits:
            return self.splits[split]
        if len(self.splits) == 1:
            return next(iter(self.splits.values()))
        raise DataError(f"{self.name} has no {split} split, only {', '.join(self.splits)}")


def select(inputs: Any, indices: npt.NDArray[np.int64]) -> Any:
    """The samples at ``indices``, in the form that ``inputs`` has."""
    if isinstance(inputs, Tensor):
        return inputs.index_select(0, torch.from_numpy(indices))
    if isinstance(inputs, pa.Table):
        return inputs.take(pa.array(indices))
    return inputs.select(indices)


def merged(name: str, parts: Mapping[str, RawData]) -> RawData:
    """One RawData from a part a split; each part gives the split of its key, or all that it has. Raises DataError."""
    if "train" not in parts:
        raise DataError(f"the data has no train split, only {', '.join(parts)}", hint="give one under the key 'train'")
    first = parts["train"]
    for key, part in parts.items():
        if part.kind is not first.kind:
            raise DataError(f"the splits are of two kinds: train is {first.kind}, {key} is {part.kind}")
    splits = {key: part.only(key) for key, part in parts.items()}
    findings = sum((part.findings for part in parts.values()), Findings())
    return replace(first, name=name, splits=splits, findings=findings)
