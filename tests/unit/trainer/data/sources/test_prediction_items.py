"""Items to predict: of Datasets, DataLoaders and streams, with and without labels."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset

from naiad.errors import DataError
from naiad.trainer.data.sources.prediction_items import is_item_source, read_inputs

X = torch.arange(12.0).reshape(6, 2)
Y = torch.arange(6) % 2


class Items(Dataset[Any]):
    def __init__(self, make: Any, count: int = 6) -> None:
        self.make, self.count = make, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        return self.make(index)


class Stream(IterableDataset[Any]):
    def __iter__(self) -> Any:
        return iter(X)


def read(data: Any) -> Any:
    assert is_item_source(data)
    return read_inputs(data, label="kind", memory_limit_bytes=10**6)


@pytest.mark.parametrize(
    "data",
    [
        TensorDataset(X),
        TensorDataset(X, Y),
        DataLoader(TensorDataset(X, Y), batch_size=4, drop_last=True),
        Items(lambda index: X[index]),
        Items(lambda index: (X[index].numpy(), 1)),
        Items(lambda index: (X[index], 1, f"{index}.png")),
        Items(lambda index: {"x": X[index], "kind": 1}),
        Items(lambda index: {"x": X[index], "kind": torch.ones(2)}),
        Items(lambda index: {"x": X[index], "caption": "text", "year": 2024}),
        Subset(TensorDataset(torch.cat([X, X])), range(6)),
        Stream(),
        (row for row in X),
    ],
)
def test_all_items_in_their_order(data: Any) -> None:
    assert torch.equal(torch.as_tensor(read(data)), X)


def test_a_loader_that_shuffles_is_told() -> None:
    with pytest.warns(UserWarning, match="in the order of its Dataset"):
        inputs = read(DataLoader(TensorDataset(X, Y), batch_size=2, shuffle=True))
    assert torch.equal(inputs, X)


def test_images_arrays_of_several_sizes_and_rows() -> None:
    images = read(Items(lambda index: (Image.new("L", (4 + index, 4), index), 0)))
    assert [image.size[0] for image in images] == [4, 5, 6, 7, 8, 9]
    assert [len(each) for each in read(Items(lambda index: np.zeros((3 + index, 3))))] == [3, 4, 5, 6, 7, 8]
    rows = read(Items(lambda index: {"age": index, "town": "ab"[index % 2]}))
    assert isinstance(rows, pa.Table)
    assert rows.column("age").to_pylist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (Items(lambda _: 0, count=0), "the data have no items"),
        (Items(lambda _: {"x": X[0], "z": X[1]}), "several inputs"),
        (Items(lambda _: 1 / 0), "item 0 of Items cannot be read"),
        (DataLoader(TensorDataset(X), collate_fn=lambda items: items), "a collate_fn of its own"),
    ],
)
def test_what_cannot_be_read_is_refused(data: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(data)


@pytest.mark.parametrize("data", [X, X.numpy(), [1, 2], (X, Y), range(3), "photos", {"a": [1]}, Image.new("L", (2, 2))])
def test_other_inputs_are_no_items(data: Any) -> None:
    assert not is_item_source(data)


def test_hugging_face_datasets() -> None:
    datasets = pytest.importorskip("datasets")
    data = datasets.Dataset.from_dict({"x": [[1.0, 2.0], [3.0, 4.0]], "note": ["a", "b"]})
    for given in (data, data.with_format("torch"), data.with_format("numpy")):
        assert torch.as_tensor(read(given)).tolist() == [[1, 2], [3, 4]]
