"""Raw splits: chosen, merged, and told apart."""

import numpy as np
import pyarrow as pa
import pytest
import torch

from naiad.errors import DataError
from naiad.trainer.data.sources.raw_data import FilePictures, Kind, RawData, RawSplit, merged, select


def data(kind=Kind.ARRAYS, **counts):
    splits = {
        name: RawSplit(
            torch.arange(count * 2.0).reshape(count, 2), np.arange(count), [f"index {i}" for i in range(count)]
        )
        for name, count in counts.items()
    }
    return RawData("data", kind, splits)


def test_a_selection_keeps_its_parts_in_step():
    part = data(train=4).splits["train"].select(np.array([2, 0]))
    assert part.inputs.tolist() == [[4, 5], [0, 1]]
    assert part.targets.tolist() == [2, 0]
    assert part.names == ["index 2", "index 0"]


def test_each_form_can_be_selected_from(tmp_path):
    indices = np.array([1])
    assert select(pa.table({"x": [1, 2]}), indices).to_pydict() == {"x": [2]}
    assert select(FilePictures([tmp_path / "a", tmp_path / "b"]), indices).paths == [tmp_path / "b"]


def test_data_without_splits_is_taken_whole():
    assert len(data(train=4).only("test")) == 4
    assert len(data(train=4, test=3).only("test")) == 3
    with pytest.raises(DataError, match="has no validation split, only train, test"):
        data(train=4, test=3).only("validation")


def test_parts_become_splits():
    whole = merged("both", {"train": data(train=4), "test": data(train=3)})
    assert {name: len(part) for name, part in whole.splits.items()} == {"train": 4, "test": 3}
    with pytest.raises(DataError, match="no train split, only test"):
        merged("one", {"test": data(train=3)})
    with pytest.raises(DataError, match="train is arrays, test is images"):
        merged("two", {"train": data(train=4), "test": data(Kind.IMAGES, train=3)})
