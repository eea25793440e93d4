"""Raw data: its splits, selected."""

import numpy as np
import pyarrow as pa
import pytest
from raw_arrays import raw_arrays

from naiad.errors import DataError
from naiad.trainer.data.sources.raw_data import ImageFiles, select_inputs


def test_all_parts_are_selected_alike():
    split = raw_arrays(train=4).splits["train"].select(np.array([2, 0]))
    assert split.inputs.tolist() == [[4, 5], [0, 1]]
    assert split.targets.tolist() == [2, 0]
    assert split.names == ["index 2", "index 0"]


def test_samples_of_every_kind_can_be_selected(tmp_path):
    indices = np.array([1])
    assert select_inputs(pa.table({"x": [1, 2]}), indices).to_pydict() == {"x": [2]}
    assert select_inputs(ImageFiles([tmp_path / "a", tmp_path / "b"]), indices).paths == [tmp_path / "b"]


def test_data_without_splits_is_taken_whole():
    assert len(raw_arrays(train=4).get_split("test")) == 4
    assert len(raw_arrays(train=4, test=3).get_split("test")) == 3
    with pytest.raises(DataError, match="has no validation split, only train, test"):
        raw_arrays(train=4, test=3).get_split("validation")
