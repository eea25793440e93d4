"""Containers of samples that are no map-style Dataset: each becomes one, or is refused with the way round.

A DataLoader gives its Dataset, as its sampler chooses from it. An IterableDataset and a list of items are read into memory.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from PIL import Image
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
    default_collate,
    default_convert,
)
from torch.utils.data.distributed import DistributedSampler

from naiad.errors import DataError
from naiad.trainer.data.findings import Action, Finding, Findings
from naiad.trainer.machine.seeding import RandomState

_OBJECT_BYTES = 200
"""Memory of a Python object besides its contents, roughly."""
_WHOLE_SAMPLERS = (RandomSampler, SequentialSampler, DistributedSampler)


class ItemList(Dataset[Any]):
    """Items in memory."""

    def __init__(self, items: Sequence[Any], *, source: Any) -> None:
        self.items = items
        self.name = type(source).__name__
        """Name of the class that the items came from."""
        self.classes = getattr(source, "classes", None)
        self.features = getattr(source, "features", None)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        return self.items[index]


def is_item_list(data: Any) -> bool:
    """Whether the data is a list of pairs or mappings with images or arrays, rather than an array as nested lists."""
    if not isinstance(data, list) or not data:
        return False
    first = data[0]
    if isinstance(first, Mapping | Image.Image):
        return True
    return (
        isinstance(first, tuple)
        and len(first) > 1
        and (hasattr(first[0], "shape") or isinstance(first[0], Image.Image))
    )


def is_map_style(data: Any) -> bool:
    """Whether an object that is no torch Dataset can be read as one: it has a length and items, and is no array or table."""
    is_array = (
        hasattr(data, "__array__") or hasattr(data, "__array_interface__") or isinstance(data, list | tuple | str)
    )
    return not is_array and not isinstance(data, Mapping) and hasattr(data, "__getitem__") and hasattr(data, "__len__")


def has_item_part(data: Any, name: str) -> bool:
    """Whether the items of a Dataset, a DataLoader or a list are mappings with a part of that name; reads the first one."""
    dataset: Any = data.dataset if isinstance(data, DataLoader) else data
    is_dataset = isinstance(dataset, Dataset) or is_item_list(dataset) or is_map_style(dataset)
    if not is_dataset or isinstance(dataset, IterableDataset) or not len(dataset):
        return False
    random_state = RandomState.capture()
    try:
        first = dataset[0]
    except Exception:  # noqa: BLE001  # reason: user code may raise anything; opening the data reports it
        return False
    finally:
        random_state.restore()
    return isinstance(first, Mapping) and name in first


def is_iterator(data: Any) -> bool:
    """Whether the data is a generator or another object that gives items one after the other."""
    return isinstance(data, Iterator)


def read_item(dataset: Any, index: int) -> Any:
    """Raises DataError for what the code of the Dataset raises."""
    try:
        return dataset[index]
    except Exception as error:  # user code may raise anything
        raise DataError(f"item {index} of {type(dataset).__name__} cannot be read: {error!r}") from error


def to_map_style(data: Any, *, memory_limit_bytes: int) -> tuple[Any, Findings]:
    """Returns a Dataset with a length, and what was found. Raises DataError."""
    findings = Findings()
    if isinstance(data, DataLoader):
        data, findings = _open_loader(data)
    if isinstance(data, IterableDataset | Iterator):
        items = _read_items(data, memory_limit_bytes)
        message = f"the samples of {type(data).__name__} were read once, in the order in which they came, and are held in memory"
        read = Finding("samples-read-once", "train", len(items), Action.REPORTED, message)
        return ItemList(items, source=data), findings + Findings((read,))
    if isinstance(data, list):
        return ItemList(data, source=data), findings
    if not hasattr(data, "__len__"):
        raise DataError(
            f"{type(data).__name__} has no length, so its samples have no order", hint="give a map-style Dataset"
        )
    return data, findings


def _open_loader(loader: DataLoader[Any]) -> tuple[Any, Findings]:
    if loader.collate_fn not in (default_collate, default_convert):
        raise DataError(
            f"the DataLoader has a collate_fn of its own, {_name_of(loader.collate_fn)}, which is not used here",
            hint="do its work in the Dataset's __getitem__, and give the Dataset",
        )
    message = "the Dataset of the DataLoader is used; its batch size, shuffle and drop_last are not: see batch_size of the plan"
    findings = Findings((Finding("data-loader", "train", 1, Action.REPORTED, message),))
    if isinstance(loader.dataset, IterableDataset):
        return loader.dataset, findings
    sampler: Any = loader.sampler
    if type(loader.batch_sampler) not in (BatchSampler, type(None)):
        sampler = loader.batch_sampler
    if isinstance(sampler, SubsetRandomSampler):
        return Subset(loader.dataset, list(sampler.indices)), findings
    is_whole = type(sampler) in _WHOLE_SAMPLERS and not getattr(sampler, "replacement", False)
    if not is_whole or getattr(sampler, "_num_samples", None) is not None:
        raise DataError(
            f"the DataLoader draws its samples by a {type(sampler).__name__}, which is not followed here",
            hint="give its Dataset, or a Subset of it; plan={'class_balance': 1} lets rare classes count more",
        )
    return loader.dataset, findings


def _read_items(data: Iterable[Any], memory_limit_bytes: int) -> list[Any]:
    items: list[Any] = []
    left_bytes = memory_limit_bytes
    for item in _iterate(data, items):
        items.append(item)
        left_bytes -= _size_bytes(item)
        if left_bytes < 0:
            raise DataError(
                f"the samples of {type(data).__name__} do not end within {memory_limit_bytes / 1e9:,.1f} GB of memory",
                hint="give a map-style Dataset, whose items are read one by one, or end the stream: itertools.islice",
            )
    return items


def _iterate(data: Iterable[Any], items: Sequence[Any]) -> Iterator[Any]:
    """Yields the samples; ``items`` are those that were yielded. Raises DataError for what user code raises."""
    try:
        yield from data
    except Exception as error:  # user code may raise anything
        raise DataError(f"sample {len(items)} of {type(data).__name__} cannot be read: {error!r}") from error


def _size_bytes(item: Any) -> int:
    if isinstance(item, Mapping):
        return _OBJECT_BYTES + sum(map(_size_bytes, item.values()))
    if isinstance(item, tuple | list):
        return _OBJECT_BYTES + sum(map(_size_bytes, itertools.islice(item, 100))) * max(1, len(item) // 100)
    if isinstance(item, Image.Image):
        return item.width * item.height * len(item.getbands())
    return _OBJECT_BYTES + int(getattr(item, "nbytes", 0))


def _name_of(function: Any) -> str:
    return getattr(function, "__name__", type(function).__name__)
