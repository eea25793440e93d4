"""Any map-style torch Dataset of (x, y) or x, torchvision's among them.

Tensors are held in memory when they fit and when reading an item twice gives the same bytes; otherwise they come one at a time.
PIL images become pictures, which cleaning decodes and sizes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset, TensorDataset

from naiad.errors import DataError
from naiad.trainer.data.findings import Action, Finding, Findings
from naiad.trainer.data.sources.arrays import as_layout, as_tensor, canonical, kind_of, numbered, one_dimensional
from naiad.trainer.data.sources.raw_data import FilePictures, Kind, RawData, RawSplit

_PROBES = 4


def open_torch_dataset(data: Dataset[Any], *, memory_limit_bytes: int) -> RawData:
    """Raises DataError."""
    if isinstance(data, IterableDataset) or not hasattr(data, "__len__"):
        raise DataError(
            f"{type(data).__name__} has no length, so its samples cannot be ordered", hint="give a map-style Dataset"
        )
    if len(data) == 0:
        raise DataError(f"{type(data).__name__} is empty: its length is 0")
    taken = _taken_directly(data)
    return taken if taken is not None else _read_items(data, memory_limit_bytes)


@dataclass(frozen=True)
class ItemPictures:
    """PIL images that a Dataset gives; opened from one thread at a time."""

    dataset: Any
    indices: npt.NDArray[np.int64]
    fixed: bool
    parallel: bool = False

    def __len__(self) -> int:
        return len(self.indices)

    def open(self, index: int) -> Image.Image:
        image: Image.Image = _parts(self.dataset[int(self.indices[index])])[0]
        return image

    def select(self, indices: npt.NDArray[np.int64]) -> "ItemPictures":
        return replace(self, indices=self.indices[indices])


@dataclass(frozen=True)
class ItemTensors:
    """Tensors that a Dataset gives, laid out as the arrays of ``canonical`` are."""

    dataset: Any
    indices: npt.NDArray[np.int64]
    fixed: bool
    sample_shape: torch.Size
    dtype: torch.dtype
    in_memory: bool = field(default=False, init=False)

    def __len__(self) -> int:
        return len(self.indices)

    def take(self, indices: Tensor) -> Tensor:
        if not len(indices):
            return torch.empty((0, *self.sample_shape), dtype=self.dtype)
        items = [_parts(self.dataset[int(self.indices[index])])[0] for index in indices.tolist()]
        return _stacked(items)

    def select(self, indices: npt.NDArray[np.int64]) -> "ItemTensors":
        return replace(self, indices=self.indices[indices])


def _taken_directly(data: Any) -> RawData | None:
    """Datasets whose contents can be had without reading item by item."""
    if isinstance(data, TensorDataset) and len(data.tensors) <= 2:
        return _arrays(data, data.tensors[0], data.tensors[1] if len(data.tensors) == 2 else None)
    transforms = (getattr(data, name, None) for name in ("transform", "target_transform", "transforms"))
    if not type(data).__module__.startswith("torchvision.") or any(step is not None for step in transforms):
        return None
    if hasattr(data, "samples") and isinstance(data.samples, list):
        paths, targets = zip(*data.samples, strict=True)
        inputs: Any = FilePictures([Path(path) for path in paths])
        split = RawSplit(inputs, np.array(targets, np.int64), [str(path) for path in paths])
        return RawData(_name(data), Kind.PICTURES, {"train": split}, classes=_classes(data))
    labels = getattr(data, "targets", getattr(data, "labels", None))
    if not isinstance(getattr(data, "data", None), np.ndarray | Tensor) or labels is None:
        return None
    return _arrays(data, data.data, labels)


def _arrays(data: Any, inputs: Any, targets: Any) -> RawData:
    values = canonical(inputs)
    labels = None if targets is None else one_dimensional(targets)
    split = RawSplit(values, labels, numbered("index", len(values)))
    return RawData(_name(data), kind_of(values), {"train": split}, classes=_classes(data), labels_must_be_whole=True)


def _read_items(data: Any, memory_limit_bytes: int) -> RawData:
    count = len(data)
    first = _parts(_item(data, 0))[0]
    indices = np.arange(count)
    names = numbered("index", count)
    fixed = _reads_the_same(data)
    findings = Findings() if fixed else _told_random(count)
    if isinstance(first, Image.Image):
        split = RawSplit(ItemPictures(data, indices, fixed), _targets(data), names)
        return RawData(_name(data), Kind.PICTURES, {"train": split}, classes=_classes(data), findings=findings)
    sample = _stacked([first])
    if fixed and sample.nbytes * count <= memory_limit_bytes:
        values, targets = _held(data, sample)
        split = RawSplit(values, targets, names)
        return RawData(_name(data), kind_of(values), {"train": split}, classes=_classes(data))
    items = ItemTensors(data, indices, fixed, sample.shape[1:], sample.dtype)
    split = RawSplit(items, _targets(data), names)
    return RawData(_name(data), Kind.ITEMS, {"train": split}, classes=_classes(data), findings=findings)


def _held(data: Any, sample: Tensor) -> tuple[Tensor, npt.NDArray[Any] | None]:
    values = torch.empty((len(data), *sample.shape[1:]), dtype=sample.dtype)
    labels = []
    for index in range(len(data)):
        inputs, label = _parts(_item(data, index))
        row = _stacked([inputs])[0]
        if row.shape != values.shape[1:] or row.dtype != values.dtype:
            raise DataError(
                f"item {index} is {tuple(row.shape)} {row.dtype}, but item 0 is {tuple(sample.shape[1:])} {sample.dtype}",
                hint="give items of one shape",
            )
        values[index] = row
        labels.append(label)
    return values, _labels(labels)


def _targets(data: Any) -> npt.NDArray[Any] | None:
    """From ``targets`` where the Dataset has them unchanged, else by reading every item once."""
    targets = getattr(data, "targets", None)
    if targets is not None and getattr(data, "target_transform", None) is None and len(targets) == len(data):
        return one_dimensional(targets)
    return _labels([_parts(_item(data, index))[1] for index in range(len(data))])


def _labels(labels: Sequence[Any]) -> npt.NDArray[Any] | None:
    if all(label is None for label in labels):
        return None
    return one_dimensional(
        [label.item() if isinstance(label, Tensor) and label.ndim == 0 else label for label in labels]
    )


def _reads_the_same(data: Any) -> bool:
    count = len(data)
    probes = sorted({index * (count - 1) // (_PROBES - 1) for index in range(_PROBES)})
    return all(_bytes(_item(data, index)) == _bytes(_item(data, index)) for index in probes)


def _bytes(item: Any) -> bytes:
    inputs = _parts(item)[0]
    if isinstance(inputs, Image.Image):
        return inputs.mode.encode() + inputs.tobytes()
    return _stacked([inputs]).numpy().tobytes()


def _stacked(items: list[Any]) -> Tensor:
    tensors = [as_tensor(item) for item in items]
    try:
        return as_layout(torch.stack(tensors))
    except RuntimeError as error:
        raise DataError(f"the items are not of one shape: {error}", hint="give items of one shape") from error


def _item(data: Any, index: int) -> Any:
    try:
        return data[index]
    except Exception as error:  # the user's code: whatever it raises, the item cannot be read
        raise DataError(f"item {index} of {type(data).__name__} cannot be read: {error!r}") from error


def _parts(item: Any) -> tuple[Any, Any]:
    if not isinstance(item, tuple | list):
        return item, None
    match item:
        case [inputs, label]:
            return inputs, label
        case [inputs]:
            return inputs, None
    raise DataError(f"an item of the Dataset has {len(item)} parts", hint="give items (x, y), or x alone")


def _told_random(count: int) -> Findings:
    message = (
        "reading an item twice gives two results (a random transform?): the items are streamed, not held in memory"
    )
    return Findings((Finding("random-items", "train", count, Action.TOLD, message),))


def _classes(data: Any) -> tuple[str, ...]:
    names = getattr(data, "classes", None) or ()
    return tuple(str(name) for name in names)


def _name(data: Any) -> str:
    return type(data).__name__
