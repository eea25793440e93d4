"""Containers of samples that are no map-style Dataset."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)

from naiad.errors import DataError
from naiad.trainer.data.sources.open import open_source
from naiad.trainer.data.sources.raw_data import InputKind

DATA = TensorDataset(torch.arange(12.0).reshape(6, 2), torch.tensor([0, 1] * 3))


class Stream(IterableDataset[Any]):
    def __init__(self, items: Any) -> None:
        self.items = items

    def __iter__(self) -> Any:
        return iter(self.items)


class Duck:
    """Items without torch."""

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Any:
        return np.full(2, index), index % 2


def firsts(data: Any, **options: Any) -> list[float]:
    return open_source(data, **options).splits["train"].inputs[:, 0].tolist()


@pytest.mark.parametrize(
    "loader",
    [
        DataLoader(DATA, batch_size=2, shuffle=True),
        DataLoader(DATA, batch_size=4, drop_last=True),
        DataLoader(DATA, batch_size=None),
    ],
)
def test_a_loaders_dataset_is_used_in_its_own_order(loader: Any) -> None:
    raw = open_source(loader)
    assert raw.splits["train"].inputs[:, 0].tolist() == [0, 2, 4, 6, 8, 10]
    assert raw.splits["train"].targets.tolist() == [0, 1] * 3  # type: ignore[union-attr]
    assert "data-loader" in [item.kind for item in raw.findings.items]


def test_a_sampler_that_chooses_is_followed() -> None:
    assert firsts(DataLoader(DATA, sampler=SubsetRandomSampler([4, 1]))) == [8, 2]


@pytest.mark.parametrize(
    ("loader", "message"),
    [
        (DataLoader(DATA, sampler=WeightedRandomSampler([1.0] * 6, 6)), "WeightedRandomSampler"),
        (DataLoader(DATA, batch_sampler=[[0, 1], [2, 3]]), "list"),
        (DataLoader(DATA, collate_fn=lambda items: items), "collate_fn of its own"),
    ],
)
def test_what_a_loader_does_besides_is_refused(loader: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        open_source(loader)


def pairs(count: int) -> Any:
    return ((torch.full((2,), float(index)), index % 2) for index in range(count))


@pytest.mark.parametrize(
    "make", [lambda: Stream(list(pairs(5))), lambda: pairs(5), lambda: DataLoader(Stream(list(pairs(5))))]
)
def test_a_stream_is_read_once_in_its_order(make: Any) -> None:
    raw = open_source(make())
    assert raw.splits["train"].inputs[:, 0].tolist() == [0, 1, 2, 3, 4]
    assert "samples-read-once" in [item.kind for item in raw.findings.items]


def test_a_stream_without_end_or_with_an_error_is_refused() -> None:
    endless = Stream((torch.zeros(50), 0) for _ in itertools.count())
    with pytest.raises(DataError, match="do not end within"):
        open_source(endless, memory_limit_bytes=20_000)
    with pytest.raises(DataError, match=r"sample 2 of generator cannot be read: ZeroDivisionError"):
        open_source((torch.zeros(2), 1 / (2 - index)) for index in range(5))
    with pytest.raises(DataError, match="empty"):
        open_source(Stream([]))


def test_lists_of_pairs_and_objects_with_items_are_datasets() -> None:
    assert firsts(Duck()) == [0, 1, 2, 3]
    assert firsts(list(pairs(3))) == [0, 1, 2]
    assert open_source([(Image.new("L", (4, 4)), 0), (Image.new("L", (4, 4)), 1)]).kind is InputKind.PIL_IMAGES
    assert open_source([{"a": 1.5, "label": "u"}, {"a": 2.5, "label": "v"}]).kind is InputKind.TABLE


@pytest.mark.parametrize("data", [[[1.0, 2.0], [3.0, 4.0]], range(4), ([[1.0], [2.0]], [0, 1])])
def test_nested_lists_stay_arrays(data: Any) -> None:
    assert open_source(data).kind is InputKind.ARRAYS


def test_a_dataset_of_numbers_and_texts_is_a_table() -> None:
    class Rows(Dataset[Any]):
        def __len__(self) -> int:
            return 3

        def __getitem__(self, index: int) -> Any:
            return {"age": torch.tensor(index), "city": "ab"[index % 2], "y": index % 2}

    raw = open_source(Rows())
    assert (raw.kind, raw.label) == (InputKind.TABLE, "y")
    assert raw.splits["train"].inputs.column_names == ["age", "city", "y"]
