"""Opens any map-style torch Dataset of (x, y) or x, torchvision's among them.

Tensors are read into memory if they fit and if reading an item twice gives the same bytes. Else they are read one by one.
PIL images are decoded and resized by cleaning.
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
from naiad.trainer.data.sources.arrays import (
    as_tensor,
    numbered_names,
    tensor_kind,
    to_channels_first,
    to_label_array,
    to_sample_tensor,
)
from naiad.trainer.data.sources.raw_data import ImageFiles, InputKind, RawData, RawSplit

_REREAD_ITEMS = 4


def open_torch_dataset(dataset: Dataset[Any], *, memory_limit_bytes: int) -> RawData:
    """Raises DataError."""
    if isinstance(dataset, IterableDataset) or not hasattr(dataset, "__len__"):
        raise DataError(
            f"{type(dataset).__name__} has no length, so its samples have no order", hint="give a map-style Dataset"
        )
    if len(dataset) == 0:
        raise DataError(f"{type(dataset).__name__} is empty: its length is 0")
    raw = _open_without_reading(dataset)
    return raw if raw is not None else _open_items(dataset, memory_limit_bytes)


@dataclass(frozen=True)
class DatasetImages:
    """PIL images of a Dataset's items; opened by one thread at a time."""

    dataset: Any
    indices: npt.NDArray[np.int64]
    is_deterministic: bool
    is_thread_safe: bool = field(default=False, init=False)

    def __len__(self) -> int:
        return len(self.indices)

    def open(self, index: int) -> Image.Image:
        image: Image.Image = _split_item(self.dataset[int(self.indices[index])])[0]
        return image

    def select(self, indices: npt.NDArray[np.int64]) -> "DatasetImages":
        return replace(self, indices=self.indices[indices])


@dataclass(frozen=True)
class DatasetTensors:
    """Tensors of a Dataset's items, in the layout of ``to_sample_tensor``."""

    dataset: Any
    indices: npt.NDArray[np.int64]
    is_deterministic: bool
    sample_shape: torch.Size
    dtype: torch.dtype
    in_memory: bool = field(default=False, init=False)

    def __len__(self) -> int:
        return len(self.indices)

    def take(self, indices: Tensor) -> Tensor:
        if not len(indices):
            return torch.empty((0, *self.sample_shape), dtype=self.dtype)
        items = [_split_item(self.dataset[int(self.indices[index])])[0] for index in indices.tolist()]
        return _stack(items)

    def select(self, indices: npt.NDArray[np.int64]) -> "DatasetTensors":
        return replace(self, indices=self.indices[indices])


def _open_without_reading(dataset: Any) -> RawData | None:
    """Opens a Dataset that has all of its contents at hand; returns None for one that must be read item by item."""
    if isinstance(dataset, TensorDataset) and len(dataset.tensors) <= 2:
        return _open_arrays(dataset, dataset.tensors[0], dataset.tensors[1] if len(dataset.tensors) == 2 else None)
    transforms = (getattr(dataset, name, None) for name in ("transform", "target_transform", "transforms"))
    if not type(dataset).__module__.startswith("torchvision.") or any(each is not None for each in transforms):
        return None
    if hasattr(dataset, "samples") and isinstance(dataset.samples, list):
        paths, targets = zip(*dataset.samples, strict=True)
        images = ImageFiles([Path(path) for path in paths])
        split = RawSplit(images, np.array(targets, np.int64), [str(path) for path in paths])
        return _raw_data(dataset, InputKind.PIL_IMAGES, split)
    labels = getattr(dataset, "targets", getattr(dataset, "labels", None))
    if not isinstance(getattr(dataset, "data", None), np.ndarray | Tensor) or labels is None:
        return None
    return _open_arrays(dataset, dataset.data, labels)


def _open_arrays(dataset: Any, inputs: Any, targets: Any) -> RawData:
    values = to_sample_tensor(inputs)
    labels = None if targets is None else to_label_array(targets)
    raw = _raw_data(dataset, tensor_kind(values), RawSplit(values, labels, numbered_names("index", len(values))))
    return replace(raw, labels_required=True)


def _open_items(dataset: Any, memory_limit_bytes: int) -> RawData:
    count = len(dataset)
    first_input = _split_item(_read_item(dataset, 0))[0]
    indices = np.arange(count)
    names = numbered_names("index", count)
    is_deterministic = _is_deterministic(dataset)
    findings = Findings() if is_deterministic else _report_random_items(count)
    if isinstance(first_input, Image.Image):
        images = DatasetImages(dataset, indices, is_deterministic)
        split = RawSplit(images, _read_targets(dataset), names)
        return replace(_raw_data(dataset, InputKind.PIL_IMAGES, split), findings=findings)
    sample = _stack([first_input])
    if is_deterministic and sample.nbytes * count <= memory_limit_bytes:
        values, targets = _read_all(dataset, sample)
        return _raw_data(dataset, tensor_kind(values), RawSplit(values, targets, names))
    tensors = DatasetTensors(dataset, indices, is_deterministic, sample.shape[1:], sample.dtype)
    split = RawSplit(tensors, _read_targets(dataset), names)
    return replace(_raw_data(dataset, InputKind.DATASET_ITEMS, split), findings=findings)


def _raw_data(dataset: Any, kind: InputKind, split: RawSplit) -> RawData:
    classes = tuple(str(name) for name in getattr(dataset, "classes", None) or ())
    return RawData(type(dataset).__name__, kind, {"train": split}, classes=classes)


def _read_all(dataset: Any, sample: Tensor) -> tuple[Tensor, npt.NDArray[Any] | None]:
    values = torch.empty((len(dataset), *sample.shape[1:]), dtype=sample.dtype)
    labels = []
    for index in range(len(dataset)):
        inputs, label = _split_item(_read_item(dataset, index))
        row = _stack([inputs])[0]
        if row.shape != values.shape[1:] or row.dtype != values.dtype:
            raise DataError(
                f"item {index} is {tuple(row.shape)} {row.dtype}, but item 0 is {tuple(sample.shape[1:])} {sample.dtype}",
                hint="give items of one shape",
            )
        values[index] = row
        labels.append(label)
    return values, _to_labels(labels)


def _read_targets(dataset: Any) -> npt.NDArray[Any] | None:
    """Returns the Dataset's ``targets`` where it has no target transform, else the labels of all items, each read once."""
    targets = getattr(dataset, "targets", None)
    if targets is not None and getattr(dataset, "target_transform", None) is None and len(targets) == len(dataset):
        return to_label_array(targets)
    return _to_labels([_split_item(_read_item(dataset, index))[1] for index in range(len(dataset))])


def _to_labels(labels: Sequence[Any]) -> npt.NDArray[Any] | None:
    if all(label is None for label in labels):
        return None
    return to_label_array(
        [label.item() if isinstance(label, Tensor) and label.ndim == 0 else label for label in labels]
    )


def _is_deterministic(dataset: Any) -> bool:
    """Whether each of four items is the same when it is read twice."""
    count = len(dataset)
    indices = sorted({index * (count - 1) // (_REREAD_ITEMS - 1) for index in range(_REREAD_ITEMS)})
    return all(_item_bytes(_read_item(dataset, index)) == _item_bytes(_read_item(dataset, index)) for index in indices)


def _item_bytes(item: Any) -> bytes:
    inputs = _split_item(item)[0]
    if isinstance(inputs, Image.Image):
        return inputs.mode.encode() + inputs.tobytes()
    return _stack([inputs]).numpy().tobytes()


def _stack(items: list[Any]) -> Tensor:
    tensors = [as_tensor(item) for item in items]
    try:
        return to_channels_first(torch.stack(tensors))
    except RuntimeError as error:
        raise DataError(f"the items are not of one shape: {error}", hint="give items of one shape") from error


def _read_item(dataset: Any, index: int) -> Any:
    try:
        return dataset[index]
    except Exception as error:  # user code may raise anything
        raise DataError(f"item {index} of {type(dataset).__name__} cannot be read: {error!r}") from error


def _split_item(item: Any) -> tuple[Any, Any]:
    if not isinstance(item, tuple | list):
        return item, None
    match item:
        case [inputs, label]:
            return inputs, label
        case [inputs]:
            return inputs, None
    raise DataError(f"an item of the Dataset has {len(item)} parts", hint="give items (x, y), or x alone")


def _report_random_items(count: int) -> Findings:
    message = (
        "an item is different each time it is read (by a random transform?): the items are streamed, not held in memory"
    )
    return Findings((Finding("random-items", "train", count, Action.REPORTED, message),))
