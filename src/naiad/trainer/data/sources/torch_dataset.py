"""Opens Datasets of torch, torchvision and Hugging Face, and what ``to_map_style`` makes one of.

An item is (x, y), x, or a mapping with names; ``dataset_items`` knows the forms. What the items give is what is used: attributes
such as ``targets`` are not, and ``classes`` only as far as it agrees with them. Tensors are read into memory if they fit and if
reading an item twice gives the same bytes. Else they are read one by one. PIL images are decoded and resized by cleaning.
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
from torch.utils.data import TensorDataset
from torchvision.datasets import DatasetFolder
from torchvision.datasets.folder import default_loader, pil_loader

from naiad.errors import DataError
from naiad.trainer.data.findings import Action, Finding, Findings
from naiad.trainer.data.layout import Layout, lay_out, to_channels_first
from naiad.trainer.data.sources.arrays import as_tensor, numbered_names, tensor_kind
from naiad.trainer.data.sources.class_names import name_labels
from naiad.trainer.data.sources.containers import ItemList, read_item, to_map_style
from naiad.trainer.data.sources.dataset_items import ItemForm, describe_item, infer_item_form, read_item_labels
from naiad.trainer.data.sources.dataset_rows import is_table_row, open_rows
from naiad.trainer.data.sources.label_matrix import count_one_hot_columns, read_labels
from naiad.trainer.data.sources.raw_data import ImageFiles, InputKind, RawData, RawSplit
from naiad.trainer.data.sources.sample_weights import read_weights
from naiad.trainer.data.sources.stored_labels import gives_stored_items, stored_labels
from naiad.trainer.machine.seeding import RandomState

Answer = tuple[Any, Any]
"""Label and weight of an item; None where it has none."""
_REREAD_ITEMS = 4
_REREAD_LABELS = 32
"""Labels of random items that are read again: of two classes drawn evenly all 32 agree with a chance of 2e-10; rarer may pass."""


def open_torch_dataset(
    data: Any, *, memory_limit_bytes: int, label: str | None = None, layout: Layout | None = None
) -> RawData:
    """Opens a Dataset, a DataLoader, an IterableDataset or a list of items. Raises DataError.

    label: the name of the label's part, where the parts of the items have names. layout: that of tensors.
    """
    dataset, findings = to_map_style(data, memory_limit_bytes=memory_limit_bytes)
    if len(dataset) == 0:
        raise DataError(f"{type(dataset).__name__} is empty: its length is 0")
    raw = _open_without_reading(dataset, layout)
    if raw is None:
        raw = _open_items(dataset, memory_limit_bytes, label, layout)
    return replace(raw, findings=findings + raw.findings)


@dataclass(frozen=True)
class DatasetImages:
    """PIL images of a Dataset's items; opened by one thread at a time."""

    dataset: Any
    item_form: ItemForm
    indices: npt.NDArray[np.int64]
    is_deterministic: bool
    is_thread_safe: bool = field(default=False, init=False)

    def __len__(self) -> int:
        return len(self.indices)

    def open(self, index: int) -> Image.Image:
        """Raises TypeError, as for an image that cannot be read, where an item's input is none."""
        image = self.item_form.split(self.dataset[int(self.indices[index])])[0]
        if not isinstance(image, Image.Image):
            raise TypeError(f"the input is {describe_item(image)}, but that of item 0 is an image")
        return image

    def select(self, indices: npt.NDArray[np.int64]) -> "DatasetImages":
        return replace(self, indices=self.indices[indices])


@dataclass(frozen=True)
class DatasetTensors:
    """Tensors of a Dataset's items, laid out as those in memory are."""

    dataset: Any
    item_form: ItemForm
    indices: npt.NDArray[np.int64]
    is_deterministic: bool
    sample_shape: torch.Size
    dtype: torch.dtype
    layout: Layout | None = None
    in_memory: bool = field(default=False, init=False)

    def __len__(self) -> int:
        return len(self.indices)

    def take(self, indices: Tensor) -> Tensor:
        if not len(indices):
            return torch.empty((0, *self.sample_shape), dtype=self.dtype)
        items = [self.item_form.split(self.dataset[int(self.indices[index])])[0] for index in indices.tolist()]
        return _stack(items, self.layout)

    def select(self, indices: npt.NDArray[np.int64]) -> "DatasetTensors":
        return replace(self, indices=self.indices[indices])

    def with_layout(self, layout: Layout | None) -> "DatasetTensors":
        """Returns the same items in another layout."""
        first = self.item_form.split(read_item(self.dataset, int(self.indices[0])))[0]
        sample = _stack([first], layout)
        return replace(self, layout=layout, sample_shape=sample.shape[1:], dtype=sample.dtype)


def _open_without_reading(dataset: Any, layout: Layout | None) -> RawData | None:
    """Opens a Dataset that has all of its contents at hand; returns None for one that must be read item by item."""
    has_own_items = type(dataset).__getitem__ is TensorDataset.__getitem__
    if has_own_items and len(dataset.tensors) <= 2 and len(dataset) == len(dataset.tensors[0]):
        targets = dataset.tensors[1] if len(dataset.tensors) == 2 else None
        return _open_arrays(dataset, dataset.tensors[0], targets, layout)
    if not type(dataset).__module__.startswith("torchvision.") or not gives_stored_items(dataset):
        return None
    if isinstance(dataset, DatasetFolder):
        if dataset.loader not in (default_loader, pil_loader):
            return None
        paths, targets = zip(*dataset.samples, strict=True)
        images = ImageFiles([Path(path) for path in paths])
        split = RawSplit(images, np.array(targets, np.int64), [str(path) for path in paths])
        return _raw_data(dataset, InputKind.PIL_IMAGES, split)
    labels = stored_labels(dataset)
    if not isinstance(getattr(dataset, "data", None), np.ndarray | Tensor) or labels is None:
        return None
    return _open_arrays(dataset, dataset.data, labels, layout)


def _open_arrays(dataset: Any, inputs: Any, targets: Any, layout: Layout | None) -> RawData:
    given = as_tensor(inputs)
    values = lay_out(given, layout)
    labels, findings = (None, Findings()) if targets is None else read_labels(targets)
    names, columns = numbered_names("index", len(values)), count_one_hot_columns(targets)
    split = RawSplit(values, labels, names, tuple(given.shape[1:]), one_hot_columns=columns)
    raw = _raw_data(dataset, tensor_kind(values), split)
    return replace(raw, labels_required=True, findings=findings + raw.findings)


def _open_items(dataset: Any, memory_limit_bytes: int, label: str | None, layout: Layout | None) -> RawData:
    first = read_item(dataset, 0)
    if is_table_row(first, label=label):
        return open_rows(dataset, first, label=label, read=read_item)
    item_form, findings = infer_item_form(dataset, first, label=label)
    first_input = item_form.split(first)[0]
    items = _Items(
        dataset,
        item_form,
        layout,
        None if isinstance(first_input, Image.Image) else tuple(as_tensor(first_input).shape),
    )
    indices = np.arange(len(dataset))
    is_deterministic = items.are_deterministic()
    if not is_deterministic:
        findings += _report_random_items(len(dataset))
    if isinstance(first_input, Image.Image):
        images = DatasetImages(dataset, item_form, indices, is_deterministic)
        return items.to_raw_data(InputKind.PIL_IMAGES, images, items.read_answers(), findings)
    sample = _stack([first_input], layout)
    if is_deterministic and sample.nbytes * len(dataset) <= memory_limit_bytes:
        values, answers = items.read_all(sample)
        return items.to_raw_data(tensor_kind(values), values, answers, findings)
    tensors = DatasetTensors(dataset, item_form, indices, is_deterministic, sample.shape[1:], sample.dtype, layout)
    return items.to_raw_data(InputKind.DATASET_ITEMS, tensors, items.read_answers(), findings)


@dataclass(frozen=True)
class _Items:
    """Items of a Dataset, read one after the other."""

    dataset: Any
    item_form: ItemForm
    layout: Layout | None
    given_shape: tuple[int, ...] | None
    """Shape of an input; None for images."""

    def read_all(self, sample: Tensor) -> tuple[Tensor, Sequence[Answer]]:
        """Returns the inputs as one tensor, and the answers. sample: the first input, (1, *sample_shape)."""
        values = torch.empty((len(self.dataset), *sample.shape[1:]), dtype=sample.dtype)
        answers = []
        for index in range(len(self.dataset)):
            item = read_item(self.dataset, index)
            inputs, label = self.item_form.split(item)
            row = _stack([inputs], self.layout)[0]
            if row.shape != values.shape[1:] or row.dtype != values.dtype:
                raise DataError(
                    f"item {index} is {tuple(row.shape)} {row.dtype}, but item 0 is {tuple(sample.shape[1:])} {sample.dtype}",
                    hint="give items of one shape",
                )
            values[index] = row
            answers.append((label, self.item_form.weight(item)))
        return values, answers

    def read_answers(self) -> npt.NDArray[Any] | Sequence[Answer]:
        """Returns the stored labels of a class that is known to give them, else the answers of all items.

        Where the Dataset has an attribute ``targets``, reading leaves the global generators as they were.
        """
        stored = stored_labels(self.dataset)
        if stored is not None and self.item_form == ItemForm():
            return stored
        random_state = RandomState.capture() if hasattr(self.dataset, "targets") else None
        items = (read_item(self.dataset, index) for index in range(len(self.dataset)))
        answers = [(self.item_form.split(item)[1], self.item_form.weight(item)) for item in items]
        self._check_labels([label for label, _ in answers])
        if random_state is not None:
            random_state.restore()
        return answers

    def are_deterministic(self) -> bool:
        """Whether each of four items is the same when it is read twice."""
        count = len(self.dataset)
        indices = sorted({index * (count - 1) // (_REREAD_ITEMS - 1) for index in range(_REREAD_ITEMS)})
        return all(self._input_bytes(index) == self._input_bytes(index) for index in indices)

    def _check_labels(self, labels: Sequence[Any]) -> None:
        """Raises DataError where an item has another label when it is read again: inputs are read later than labels."""
        random_state = RandomState.capture()
        for index in np.linspace(0, len(labels) - 1, min(_REREAD_LABELS, len(labels))).round().astype(int).tolist():
            label = self.item_form.split(read_item(self.dataset, index))[1]
            if repr(label) != repr(labels[index]):
                raise DataError(
                    f"item {index} has the label {label} when it is read again, after {labels[index]}: labels are drawn with "
                    "their inputs, but are needed before them",
                    hint="draw the items once: give a list of them, or an IterableDataset, which is read once",
                )
        random_state.restore()

    def to_raw_data(
        self, kind: InputKind, inputs: Any, answers: npt.NDArray[Any] | Sequence[Answer], findings: Findings
    ) -> RawData:
        targets, weights, columns = answers if isinstance(answers, np.ndarray) else None, None, None
        if not isinstance(answers, np.ndarray):
            targets, label_findings = read_item_labels([label for label, _ in answers])
            columns = count_one_hot_columns([answers[0][0]])
            findings += label_findings
            if self.item_form.weight_key is not None:
                weights, weight_findings = read_weights([weight for _, weight in answers], len(inputs))
                findings += weight_findings
        names = numbered_names("index", len(inputs))
        split = RawSplit(inputs, targets, names, self.given_shape, weights=weights, one_hot_columns=columns)
        raw = _raw_data(self.dataset, kind, split, label_key=self.item_form.label_key)
        return replace(raw, findings=findings + raw.findings)

    def _input_bytes(self, index: int) -> bytes:
        inputs = self.item_form.split(read_item(self.dataset, index))[0]
        if isinstance(inputs, Image.Image):
            return inputs.mode.encode() + inputs.tobytes()
        return _stack([inputs], self.layout).numpy().tobytes()


def _raw_data(dataset: Any, kind: InputKind, split: RawSplit, *, label_key: int | str | None = None) -> RawData:
    named = name_labels(dataset, split.targets, label_key=label_key)
    name = getattr(dataset, "name", None) if isinstance(dataset, ItemList) else None
    return RawData(
        name or type(dataset).__name__,
        kind,
        {"train": replace(split, targets=named.labels)},
        classes=named.classes,
        target_name=label_key if isinstance(label_key, str) else "label",
        findings=named.findings,
    )


def _stack(items: list[Any], layout: Layout | None) -> Tensor:
    """Returns the items (N, …) in the layout, which by default follows from their shape and dtype only."""
    try:
        stacked = torch.stack([as_tensor(item) for item in items])
    except RuntimeError as error:
        raise DataError(f"the items are not of one shape: {error}", hint="give items of one shape") from error
    return to_channels_first(stacked) if layout is None else lay_out(stacked, layout)


def _report_random_items(count: int) -> Findings:
    message = (
        "an item is different each time it is read (by a random transform?): the items are streamed, not held in memory"
    )
    return Findings((Finding("random-items", "train", count, Action.REPORTED, message),))
