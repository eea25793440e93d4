"""Splits of one data set: their classes are matched by name."""

import numpy as np
import pytest
import torch
from raw_arrays import raw_arrays
from torch.utils.data import TensorDataset

from naiad.errors import DataError
from naiad.trainer.data.prepare import DataOptions, prepare
from naiad.trainer.data.sources.raw_data import InputKind
from naiad.trainer.data.sources.split_classes import merge_splits, name_indices


def named(names, labels, *, offset=0.0):
    """A Dataset whose item i has the label ``labels[i]``, named by ``names``; ``offset`` tells its inputs from others."""
    dataset = TensorDataset(torch.arange(float(len(labels)))[:, None] + offset, torch.tensor(labels))
    dataset.classes = names
    return dataset


TRAIN = named(["cat", "dog", "owl"], [0, 1, 2] * 4)
LACKS_A_CLASS = named(["dog", "owl"], [0, 1, 1], offset=0.5)


def label_names(prepared, split):
    return [prepared.classes[index] for index in split.targets.tolist()]


def test_data_by_split_is_merged():
    whole = merge_splits("both", {"train": raw_arrays(train=4), "test": raw_arrays(train=3)})
    assert {name: len(split) for name, split in whole.splits.items()} == {"train": 4, "test": 3}
    with pytest.raises(DataError, match="no train split, only test"):
        merge_splits("one", {"test": raw_arrays(train=3)})
    with pytest.raises(DataError, match="train is arrays, test is images"):
        merge_splits("two", {"train": raw_arrays(train=4), "test": raw_arrays(InputKind.IMAGES, train=3)})


@pytest.mark.parametrize("other", [LACKS_A_CLASS, {"train": LACKS_A_CLASS, "validation": LACKS_A_CLASS}])
def test_a_split_that_lacks_a_class_keeps_its_names(other):
    prepared = prepare(TRAIN, DataOptions(validation=other))
    assert prepared.classes == ("cat", "dog", "owl")
    assert label_names(prepared, prepared.validation) == ["dog", "owl", "owl"]


def test_splits_of_a_dictionary_are_matched_by_name():
    prepared = prepare(
        {"train": TRAIN, "validation": named({"owl": 0, "cat": 1}, [0, 1], offset=0.5), "test": LACKS_A_CLASS}
    )
    assert label_names(prepared, prepared.validation) == ["owl", "cat"]
    assert label_names(prepared, prepared.test) == ["dog", "owl", "owl"]


def test_a_class_that_training_does_not_have_is_refused():
    with pytest.raises(DataError, match="test has bee, but the classes are cat, dog, owl"):
        prepare({"train": TRAIN, "test": named(["bee", "cat"], [0, 1], offset=0.5)})


def test_text_and_numbers_with_names_are_matched():
    text = (np.arange(12.0)[:, None], ["cat", "dog", "owl"] * 4)
    prepared = prepare({"train": text, "test": LACKS_A_CLASS})
    assert label_names(prepared, prepared.test) == ["dog", "owl", "owl"]


def test_numbers_stay_where_the_training_data_have_no_names():
    plain = (np.arange(12.0)[:, None], [0, 1, 2] * 4)
    prepared = prepare({"train": plain, "test": LACKS_A_CLASS})
    assert prepared.test.targets.tolist() == [0, 1, 1]


def test_indices_get_their_names_where_all_have_one():
    assert name_indices(np.array([1, 0]), ("a", "b")).tolist() == ["b", "a"]
    assert name_indices(np.array([1, 2]), ("a", "b")).tolist() == [1, 2]
    assert name_indices(np.array(["x"]), ("a", "b")).tolist() == ["x"]
